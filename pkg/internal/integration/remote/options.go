package remote

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	defaultTimeout     = 5 * time.Second
	defaultRailTimeout = 25 * time.Second // below the 30 s after which the engine leaves a call behind
	shortestSecret     = 32               // bytes: as long as what HMAC-SHA256 makes of it
)

// Options say where the business' server is and what it is asked.
type Options struct {
	// URL is what the paths of the contract are put behind: https://payouts.example.com/anchor. http is allowed for addresses
	// of this machine only, unless AllowHTTP is set.
	URL       string
	AllowHTTP bool // for development only: personal data leave the machine unencrypted
	// Keys are shared with the server. The first one signs requests; answers are believed by any of them.
	Keys []Key
	// CA is what the server's certificate is checked by, in PEM; empty: the certificates that this machine trusts.
	CA []byte
	// Timeout bounds a call of serve, its repetition included; 5 s.
	Timeout time.Duration
	// RailTimeout bounds a call that pays or asks about payouts; 25 s. The engine's own bound holds as well.
	RailTimeout time.Duration
	Parts       Parts
	Log         *slog.Logger     // nil: nothing is logged
	Now         func() time.Time // nil: this host's clock
}

// Key is a secret of this anchor and the business' server.
type Key struct {
	ID     string // 1 to 64 letters, digits, '-', '_' and '.'; sent along, not secret
	Secret []byte // at least 32 bytes
}

// Parts are what the server is asked about. Whatever is not set is done as anchor.yaml declares it.
type Parts struct {
	Receiver, Customers, Quotes, Fee bool
	Rails                            map[string]RailTerms // by name
}

// RailTerms are what may be relied on about a rail behind the server; see anchor.Rail. Zero: never.
type RailTerms struct {
	NotKnownFinalAfter, SameKeySafeFor time.Duration
}

// New makes a business of which those fields are set that Parts names. It calls nobody. All faults of the options are
// reported together; none of them repeats a secret.
func New(o Options) (anchor.Business, error) {
	c, err := newClient(o)
	if err != nil {
		return anchor.Business{}, fmt.Errorf("remote integration: %w", err)
	}
	b := anchor.Business{Rails: map[string]anchor.Rail{}, Close: c.close}
	if o.Parts.Receiver {
		b.Receiver = receiver{c.part("receiver"), newAdmissions(c.now)}
	}
	if o.Parts.Customers {
		b.Customers = customers{c.part("customers")}
	}
	if o.Parts.Quotes {
		b.Quotes = quotes{c.part("quotes")}
	}
	if o.Parts.Fee {
		b.Fee = fees{c.part("fee")}.fee
	}
	for name, terms := range o.Parts.Rails {
		r := rail{part: c.part("rail " + name), name: name}
		b.Rails[name] = anchor.Rail{Rails: r, NotKnownFinalAfter: terms.NotKnownFinalAfter, SameKeySafeFor: terms.SameKeySafeFor}
	}
	return b, nil
}

// check reads the options that can be wrong.
func (o Options) check() (base *url.URL, roots *x509.CertPool, err error) {
	base, urlErr := o.checkURL()
	roots, caErr := o.checkCA()
	return base, roots, errors.Join(urlErr, caErr, o.checkKeys(), o.checkParts())
}

func (o Options) checkURL() (*url.URL, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" {
		return nil, errors.New("the server's address must be a url such as https://payouts.example.com/anchor")
	}
	switch {
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("the server's address must have no user, query or fragment")
	case base.Scheme == "https":
	case base.Scheme != "http":
		return nil, errors.New("the server's address must begin with https://")
	case !o.AllowHTTP && !thisMachine(base.Hostname()):
		return nil, errors.New("the server's address must begin with https:// unless it is one of this machine")
	}
	return base, nil
}

func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (o Options) checkCA() (*x509.CertPool, error) {
	if len(o.CA) == 0 {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(o.CA) {
		return nil, errors.New("there is no certificate in PEM among those of the own authority")
	}
	return roots, nil
}

func (o Options) checkKeys() error {
	if len(o.Keys) == 0 {
		return errors.New("a key is needed by which requests and answers are signed")
	}
	var errs []error
	seen := map[string]bool{}
	for _, key := range o.Keys {
		switch {
		case !plainName(key.ID):
			errs = append(errs, errors.New("the name of a key must be 1 to 64 letters, digits, '-', '_' and '.'"))
		case seen[key.ID]:
			errs = append(errs, fmt.Errorf("there are two keys named %s", key.ID))
		case len(key.Secret) < shortestSecret:
			errs = append(errs, fmt.Errorf("key %s is too short: %d bytes at least", key.ID, shortestSecret))
		}
		seen[key.ID] = true
	}
	return errors.Join(errs...)
}

func (o Options) checkParts() error {
	var errs []error
	for name, terms := range o.Parts.Rails {
		if !plainName(name) || strings.Trim(name, ".") == "" {
			errs = append(errs, fmt.Errorf("rail %q: its name must be 1 to 64 letters, digits, '-', '_' and '.'", name))
		}
		if terms.NotKnownFinalAfter < 0 || terms.SameKeySafeFor < 0 {
			errs = append(errs, fmt.Errorf("rail %s: a time must not be negative", name))
		}
	}
	return errors.Join(errs...)
}

// plainName tells whether a name can be part of a header and of a path as it is.
func plainName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`).MatchString(name)
}
