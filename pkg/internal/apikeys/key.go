package apikeys

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Scope is one thing that a key permits.
type Scope string

// The scopes.
const (
	ReadTransactions Scope = "transactions:read"
	WriteCustomers   Scope = "customers:write"
	ReportPayouts    Scope = "payouts:report"
)

// Scopes are all there are.
func Scopes() []Scope { return []Scope{ReadTransactions, WriteCustomers, ReportPayouts} }

// State is whether a key can be used.
type State string

// The states of a key.
const (
	Valid   State = "valid"
	Expired State = "expired"
	Revoked State = "revoked"
)

// Key is what is known of a key; never the key itself. Times are UTC, zero for what has not happened.
type Key struct {
	ID, Name   string
	Scopes     []Scope
	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  time.Time // from then on it is refused
	RevokedAt  time.Time
	LastUsedAt time.Time // up to a minute early
}

// State is whether the key can be used at a time.
func (k Key) State(at time.Time) State {
	switch {
	case !k.RevokedAt.IsZero():
		return Revoked
	case !at.Before(k.ExpiresAt):
		return Expired
	}
	return Valid
}

// Permits tells whether the key is good for a scope.
func (k Key) Permits(s Scope) bool { return slices.Contains(k.Scopes, s) }

// Actor names the key in histories.
func (k Key) Actor() string { return "api_key:" + k.ID }

func keyOf(row store.APIKey) Key {
	k := Key{
		ID: row.ID, Name: row.Name, CreatedBy: row.CreatedBy,
		CreatedAt: store.At(row.CreatedUs), ExpiresAt: store.At(row.ExpiresUs), RevokedAt: store.At(row.RevokedUs), LastUsedAt: store.At(row.LastUsedUs),
	}
	for _, s := range strings.Fields(row.Scopes) {
		k.Scopes = append(k.Scopes, Scope(s))
	}
	return k
}

// How long a key may be good for.
const (
	DefaultLifetime = 90 * 24 * time.Hour
	longestLifetime = 366 * 24 * time.Hour
	mostName        = 100
)

// Order is a key that somebody wants.
type Order struct {
	Name     string        // who will use it, for people
	Scopes   []Scope       // what it permits; at least one
	Lifetime time.Duration // 0: DefaultLifetime; at most a year
	Actor    string        // who wants it
}

// checked is the order with what it leaves out; an error (CodeInvalid) says what is wrong with it.
func (o Order) checked() (Order, error) {
	if o.Name = strings.TrimSpace(o.Name); o.Name == "" || len(o.Name) > mostName || o.Name != anchor.CleanText(o.Name) {
		return o, anchor.Refusef("a key needs a name that says who uses it: 1 to %d characters on one line", mostName)
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.Lifetime < 0 || o.Lifetime > longestLifetime {
		return o, anchor.Refuse("a key is good for a year at most: make a new one before it runs out")
	}
	return o.withScopes()
}

// withScopes puts the scopes in order, each once.
func (o Order) withScopes() (Order, error) {
	for _, s := range o.Scopes {
		if !slices.Contains(Scopes(), s) {
			return o, anchor.Refusef("there is no scope %q; there are %s", anchor.CleanText(string(s)), Listed(Scopes()))
		}
	}
	if len(o.Scopes) == 0 {
		return o, anchor.Refusef("a key needs a scope: one or several of %s", Listed(Scopes()))
	}
	o.Scopes = slices.Compact(slices.Sorted(slices.Values(o.Scopes)))
	return o, nil
}

// Listed is a list of scopes for people.
func Listed(scopes []Scope) string { return joined(scopes, ", ") }

func joined(scopes []Scope, between string) string {
	texts := make([]string, len(scopes))
	for i, s := range scopes {
		texts[i] = fmt.Sprint(s)
	}
	return strings.Join(texts, between)
}
