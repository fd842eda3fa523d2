package stellar

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say which Horizon to use and how.
type Options struct {
	// URLs of one or several Horizons of the same network, http or https; a path and a query, as hosted ones have them, are
	// kept. The first that answers is used; the others take over while it does not, or is behind them.
	URLs       []string
	URL        string // short for URLs with one
	Passphrase string // of the network that the settings name
	HTTP       *http.Client
	Header     http.Header // added to every request to these Horizons, and to no other host
	Log        *slog.Logger
	// SilenceAfter is how long Wait stays on a stream that says nothing, give or take a tenth; default 75 s, longer than
	// the 55 s after which a Horizon closes its streams itself.
	SilenceAfter time.Duration
	// RequestTimeout bounds every request but streams, besides the caller's context; default 45 s, longer than the 30 s
	// that Horizon itself waits for a submitted transaction. Where there are several Horizons, reading is bounded by a third.
	RequestTimeout time.Duration
}

// Horizon reads and submits through one Horizon, or the first of several that answers. It is safe for concurrent use.
type Horizon struct {
	endpoints []*endpoint
	log       *slog.Logger
}

// NewHorizon checks the options; it makes no request.
func NewHorizon(o Options) (*Horizon, error) {
	if o.URL != "" {
		o.URLs = append([]string{o.URL}, o.URLs...)
	}
	if len(o.URLs) == 0 {
		return nil, errors.New("stellar: no address of a Horizon is given")
	}
	if o.Passphrase == "" {
		return nil, errors.New("stellar: the network passphrase is empty")
	}
	o = o.orDefaults()
	h := &Horizon{log: o.Log}
	client := withoutRedirects(o.HTTP)
	for i, address := range o.URLs {
		base, err := parseBase(address)
		if err != nil {
			return nil, err
		}
		e := &endpoint{
			base: base, passphrase: o.Passphrase, client: client, header: o.Header.Clone(), log: o.Log,
			silenceAfter: o.SilenceAfter, requestTimeout: o.RequestTimeout, readTimeout: o.RequestTimeout,
		}
		if len(o.URLs) > 1 {
			e.number, e.readTimeout = i+1, o.RequestTimeout/3
		}
		h.endpoints = append(h.endpoints, e)
	}
	return h, nil
}

func (o Options) orDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SilenceAfter <= 0 {
		o.SilenceAfter = 75 * time.Second
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = 45 * time.Second
	}
	return o
}

// parseBase never repeats the address in its errors: it may hold a key.
func parseBase(address string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, errors.New("stellar: the address of Horizon is not a URL")
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, errors.New("stellar: the address of Horizon must begin with http:// or https:// and name a host")
	}
	base.Fragment = ""
	return base, nil
}

// idlePerHost is how many connections to Horizon stay open for the next requests: every login asks for an account, and many
// log in at once.
const idlePerHost = 64

// withoutRedirects keeps headers with keys from following an answer to another host.
func withoutRedirects(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	} else if usual, ok := http.DefaultTransport.(*http.Transport); ok {
		patient := usual.Clone()
		patient.MaxIdleConnsPerHost = idlePerHost
		client.Transport = patient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// Root is what Horizon says of itself.
type Root struct {
	HorizonVersion, CoreVersion string
	Passphrase                  string
	ProtocolVersion             int
	Latest                      Ledger // newest ledger it has read; without its hash
	Elder                       int64  // oldest ledger it keeps
	CoreLatest                  int64  // newest ledger of the core behind it
	friendbot                   string
}

func (e *endpoint) root(ctx context.Context) (Root, error) {
	var answer struct {
		HorizonVersion  string    `json:"horizon_version"`
		CoreVersion     string    `json:"core_version"`
		Latest          int64     `json:"history_latest_ledger"`
		LatestClosedAt  time.Time `json:"history_latest_ledger_closed_at"`
		Elder           int64     `json:"history_elder_ledger"`
		CoreLatest      int64     `json:"core_latest_ledger"`
		Passphrase      string    `json:"network_passphrase"`
		ProtocolVersion int       `json:"current_protocol_version"`
		Links           struct {
			Friendbot struct {
				Href string `json:"href"`
			} `json:"friendbot"`
		} `json:"_links"`
	}
	if err := e.get(ctx, "/", nil, &answer); err != nil {
		return Root{}, err
	}
	if answer.Passphrase == "" {
		return Root{}, named("GET /", &AnswerError{Reason: "it names no network: is the address that of a Horizon?"})
	}
	return Root{
		HorizonVersion: answer.HorizonVersion, CoreVersion: answer.CoreVersion,
		Passphrase: answer.Passphrase, ProtocolVersion: answer.ProtocolVersion,
		Latest: Ledger{Sequence: answer.Latest, ClosedAt: answer.LatestClosedAt.UTC()},
		Elder:  answer.Elder, CoreLatest: answer.CoreLatest,
		friendbot: answer.Links.Friendbot.Href,
	}, nil
}

// jittered spreads many waiting processes over a fifth of the time given.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
