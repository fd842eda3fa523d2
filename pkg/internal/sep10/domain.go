package sep10

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
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
	// maxDomains bounds what is remembered.
	maxDomains = 1024
	// maxFetches bounds how many domains are asked at once: nobody can have this server call half the world.
	maxFetches = 8
	// slotTimeout is how long a login waits while that many are asked.
	slotTimeout = 3 * time.Second
)

// Attribution says which client domains are verified (SEP-10 "Verifying the Client Domain"). Its zero value verifies none:
// client_domain is ignored.
type Attribution struct {
	// Outbound reads the stellar.toml of domains; its timeout and its size limit hold. nil: client_domain is ignored.
	Outbound *outbound.Client
	Required bool     // every login must name and prove a domain
	Allow    []string // host[:port]; empty: all
	Deny     []string // hosts, with whatever is below them
	// PlainHTTP tries http:// where https:// cannot be spoken, for LOCAL_MODE.
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
	slots   chan struct{}

	mu    sync.Mutex
	known map[string]*domainKey
}

// domainKey is what one reading of a domain's stellar.toml has found, or will.
type domainKey struct {
	done  chan struct{}
	key   string
	err   error
	until time.Time // set, like key and err, before done is closed
}

func newDomains(h *Handler) *domains {
	return &domains{Attribution: h.Attribution, handler: h, slots: make(chan struct{}, maxFetches), known: map[string]*domainKey{}}
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

// admitted asks the lists, whose entries name hosts: whoever denies a domain denies what is below it and all its ports.
func (d *domains) admitted(name string) bool {
	host := hostOf(name)
	for _, denied := range d.Deny {
		denied = strings.ToLower(denied)
		if name == denied || host == denied || strings.HasSuffix(host, "."+denied) {
			return false
		}
	}
	for _, allowed := range d.Allow {
		if allowed = strings.ToLower(allowed); name == allowed || host == allowed {
			return true
		}
	}
	return len(d.Allow) == 0
}

func hostOf(name string) string {
	host, _, err := net.SplitHostPort(name)
	if err != nil {
		host = name
	}
	return strings.TrimSuffix(host, ".")
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
	if k, ok := d.known[name]; ok && !d.stale(k) {
		return k, false
	}
	if len(d.known) >= maxDomains {
		d.forget()
	}
	k = &domainKey{done: make(chan struct{})}
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

// forget makes room: what is stale goes, or else half of what is known.
func (d *domains) forget() {
	for name, k := range d.known {
		if d.stale(k) {
			delete(d.known, name)
		}
	}
	for name, k := range d.known {
		if len(d.known) <= maxDomains/2 {
			return
		}
		if k.finished() {
			delete(d.known, name)
		}
	}
}

// read fills a place. That no slot was free is not remembered.
func (d *domains) read(ctx context.Context, name string, k *domainKey) {
	defer close(k.done)
	release, ok := d.slot()
	if !ok {
		k.err = errBusy
		return
	}
	defer release()
	k.err = anchor.Refuse("the SIGNING_KEY of client_domain cannot be read: its stellar.toml must be served at https://" + name + tomlPath)
	key, err := d.fetch(ctx, name)
	if err != nil {
		d.handler.Log.InfoContext(ctx, "a client domain has no key to verify it by", "domain", name, "error", err)
		k.until = d.handler.Now().Add(faultFresh)
		return
	}
	k.key, k.err, k.until = key, nil, d.handler.Now().Add(keyFresh)
}

func (d *domains) slot() (release func(), ok bool) {
	timer := time.NewTimer(slotTimeout)
	defer timer.Stop()
	select {
	case d.slots <- struct{}{}:
		return func() { <-d.slots }, true
	case <-timer.C:
		return nil, false
	}
}

func (d *domains) fetch(ctx context.Context, name string) (string, error) {
	answer, err := d.Outbound.Get(ctx, "https://"+name+tomlPath, nil)
	if err != nil && d.PlainHTTP && answer.Status == 0 {
		answer, err = d.Outbound.Get(ctx, "http://"+name+tomlPath, nil)
	}
	switch {
	case err != nil:
		return "", err
	case answer.Status != http.StatusOK: // a redirect leads to an address that nobody has judged (SEP-1 asks for none)
		return "", fmt.Errorf("answered %d", answer.Status)
	}
	key, err := signingKey(answer.Body)
	if err == nil && key == d.handler.Signing.Address() {
		return "", errors.New("its SIGNING_KEY is that of this server")
	}
	return key, err
}
