package sep10

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
)

const (
	tomlPath = "/.well-known/stellar.toml"
	// maxClientDomain is what fits into the value of a ManageData operation.
	maxClientDomain = 64

	// keyFresh and faultFresh are how long what a domain's stellar.toml says, and that it says nothing usable, is believed.
	keyFresh, faultFresh = time.Minute, 10 * time.Second
	// keyUsable is how long a key counts after it was read while the domain cannot be asked again.
	keyUsable = time.Hour
	// maxDomains bounds what is remembered.
	maxDomains = 1024
	// maxFetches bounds how many domains are asked at once: nobody can have this server call half the world. maxOfOne is how
	// many of them may be below one domain, which whoever has it multiplies at will.
	maxFetches, maxOfOne = 8, 4
	// slotTimeout is how long a login waits while that many are asked.
	slotTimeout = 3 * time.Second
)

// Attribution says which client domains are verified (SEP-10 "Verifying the Client Domain"). Its zero value verifies none:
// client_domain is ignored.
type Attribution struct {
	// Outbound reads the stellar.toml of domains; its timeout and its size limit hold. nil: client_domain is ignored.
	Outbound *outbound.Client
	Required bool     // every login must name and prove a domain
	Allow    []string // host, for the port of https, or host:port; empty: all
	Deny     []string // hosts, with whatever is below them
	// PlainHTTP tries http:// where https:// cannot be spoken, and takes an allowed loopback host for all its ports: LOCAL_MODE.
	PlainHTTP bool
}

// clientDomain is a domain and the key by which it is proved; the zero value is none.
type clientDomain struct {
	name string // host[:port] in lower case
	key  string // G…
}

// errBusy says that too many domains are being asked.
var errBusy = anchor.RefuseAs(anchor.CodeUnavailable, "too many client domains are looked up now; try again")

// domains knows the signing keys of client domains.
type domains struct {
	Attribution
	handler *Handler // for its clock and log
	slots   *slots

	mu    sync.Mutex
	known map[string]*domainKey
}

// domainKey is what one reading of a domain's stellar.toml has found, or will.
type domainKey struct {
	done  chan struct{}
	key   string
	err   error
	until time.Time // set, like key, err and last, before done is closed
	last  readKey   // the key that was read, now or before
}

// readKey is a key and when it was read; the zero value is none.
type readKey struct {
	key string
	at  time.Time
}

func newDomains(h *Handler) *domains {
	return &domains{Attribution: h.Attribution, handler: h, slots: newSlots(maxFetches, maxOfOne), known: map[string]*domainKey{}}
}

// of finds out about the domain that a request names; none where there is none to verify.
func (d *domains) of(ctx context.Context, given string) (clientDomain, error) {
	name := strings.ToLower(given)
	switch {
	case d.Outbound == nil:
		return clientDomain{}, nil
	case name == "" && d.Required:
		return clientDomain{}, anchor.Refuse("client_domain is required here")
	case name == "":
		return clientDomain{}, nil
	case !d.admitted(name) && d.Required:
		return clientDomain{}, anchor.Refuse("client_domain is not admitted here")
	case !d.admitted(name): // SEP-10: as if it had not been given
		return clientDomain{}, nil
	}
	if err := d.check(name); err != nil {
		return clientDomain{}, err
	}
	key, err := d.key(ctx, name)
	return clientDomain{name: name, key: key}, err
}

// admitted asks the lists: whoever denies a domain denies what is below it and all its ports, whoever allows a host allows
// what it serves as https.
func (d *domains) admitted(name string) bool {
	host := hostOf(name)
	for _, denied := range d.Deny {
		denied = strings.ToLower(denied)
		if name == denied || host == denied || strings.HasSuffix(host, "."+denied) {
			return false
		}
	}
	for _, allowed := range d.Allow {
		if d.meant(strings.ToLower(allowed), name) {
			return true
		}
	}
	return len(d.Allow) == 0
}

// meant tells whether an entry of the list of allowed ones is about a domain.
func (d *domains) meant(allowed, name string) bool {
	host, port := parts(name)
	wanted, only := parts(allowed)
	if host != wanted {
		return false
	}
	return cmp.Or(port, "443") == cmp.Or(only, "443") || only == "" && d.PlainHTTP && loopback(host)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.Unmap().IsLoopback()
}

func hostOf(name string) string {
	host, _ := parts(name)
	return host
}

// parts parts host[:port]; the port is empty where none is given.
func parts(name string) (host, port string) {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		host, port = strings.Trim(name, "[]"), ""
	}
	return strings.TrimSuffix(host, "."), port
}

// check wants a plain host[:port] that may be called.
func (d *domains) check(name string) error {
	u, err := d.Outbound.CheckURL("https://" + name + tomlPath)
	if err != nil || len(name) > maxClientDomain || u.Host != name || u.Path != tomlPath || u.RawQuery != "" {
		return anchor.Refuse("client_domain must be a public host name, such as wallet.example.com")
	}
	return nil
}

// key is the SIGNING_KEY of a domain, read a moment ago at most. Of several who ask at once one reads.
func (d *domains) key(ctx context.Context, name string) (string, error) {
	k, reads := d.entry(name)
	if reads {
		d.read(context.WithoutCancel(ctx), name, k)
	}
	select {
	case <-k.done:
		return k.key, k.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// entry finds what is known of a domain, or makes the place for it, which the caller fills.
func (d *domains) entry(name string) (k *domainKey, reads bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before, ok := d.known[name]
	if ok && !d.stale(before) {
		return before, false
	}
	if len(d.known) >= maxDomains {
		d.forget()
	}
	k = &domainKey{done: make(chan struct{})}
	if ok {
		k.last = before.last
	}
	d.known[name] = k
	return k, true
}

func (d *domains) stale(k *domainKey) bool {
	return k.finished() && !d.handler.Now().Before(k.until)
}

func (k *domainKey) finished() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// usable tells whether a key that was read before counts although its domain cannot be asked now.
func (d *domains) usable(k readKey) bool {
	return k.key != "" && d.handler.Now().Before(k.at.Add(keyUsable))
}

// forget makes room: what is stale and of no use goes, or else half of what is known, first what has no key that could still
// be needed.
func (d *domains) forget() {
	drop := func(least int, useless func(*domainKey) bool) {
		for name, k := range d.known {
			if len(d.known) > least && k.finished() && useless(k) {
				delete(d.known, name)
			}
		}
	}
	drop(0, func(k *domainKey) bool { return d.stale(k) && !d.usable(k.last) })
	drop(maxDomains/2, func(k *domainKey) bool { return !d.usable(k.last) })
	drop(maxDomains/2, func(*domainKey) bool { return true })
}

// read fills a place. While a domain cannot be asked, the key that it had within the hour counts; that no slot was free is
// not remembered.
func (d *domains) read(ctx context.Context, name string, k *domainKey) {
	defer close(k.done)
	wait := slotTimeout
	if d.usable(k.last) {
		wait = 0
	}
	release, ok := d.slots.take(siteOf(name), wait)
	if !ok {
		k.err = errBusy
		d.fallBack(k)
		return
	}
	defer release()
	key, err := d.fetch(ctx, name)
	if err == nil {
		now := d.handler.Now()
		k.key, k.until, k.last = key, now.Add(keyFresh), readKey{key, now}
		return
	}
	d.handler.Log.InfoContext(ctx, "a client domain has no key to verify it by", "domain", name, "error", err)
	k.err = anchor.Refuse("the SIGNING_KEY of client_domain cannot be read: its stellar.toml must be served at https://" + name + tomlPath)
	k.until = d.handler.Now().Add(faultFresh)
	if !errors.Is(err, errSilent) { // its owner has taken the key away
		k.last = readKey{}
	}
	d.fallBack(k)
}

// fallBack takes the key that was read before, if it still counts.
func (d *domains) fallBack(k *domainKey) {
	if d.usable(k.last) {
		k.key, k.err = k.last.key, nil
	}
}

// errSilent says that a domain did not answer, or only that it cannot: that says nothing about its key.
var errSilent = errors.New("it does not answer")

func (d *domains) fetch(ctx context.Context, name string) (string, error) {
	answer, err := d.Outbound.Get(ctx, "https://"+name+tomlPath, nil)
	if err != nil && d.PlainHTTP && answer.Status == 0 {
		answer, err = d.Outbound.Get(ctx, "http://"+name+tomlPath, nil)
	}
	var tooLarge *outbound.TooLargeError
	switch {
	case errors.As(err, &tooLarge):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%w: %w", errSilent, err)
	case answer.Status >= http.StatusInternalServerError, answer.Status == http.StatusTooManyRequests:
		return "", fmt.Errorf("%w: answered %d", errSilent, answer.Status)
	case answer.Status != http.StatusOK: // a redirect leads to an address that nobody has judged (SEP-1 asks for none)
		return "", fmt.Errorf("answered %d", answer.Status)
	}
	key, err := signingKey(answer.Body)
	if err == nil && key == d.handler.Signing.Address() {
		return "", errors.New("its SIGNING_KEY is that of this server")
	}
	return key, err
}
