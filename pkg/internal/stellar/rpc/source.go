package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// Options say which RPC server to use and how.
type Options struct {
	URL        string // http or https; a path and a query, as hosted servers have them, are kept
	Passphrase string // of the network that the settings name
	HTTP       *http.Client
	Header     http.Header // added to every request to the server, and to no other host
	Log        *slog.Logger
	// PollEvery is the time between two questions for the newest ledger while somebody waits; default 1 s.
	PollEvery time.Duration
	// RequestTimeout bounds every request, besides the caller's context; default 45 s.
	RequestTimeout time.Duration
	// Batch is how many ledgers are asked for at once, 1 to 200; default 16. Where they are too large, fewer are.
	Batch int
}

// Source reads the ledger through one RPC server. It is safe for concurrent use; ledgers that several accounts read at
// about the same time are fetched and decoded once.
type Source struct {
	client     *client
	passphrase string
	ledgers    *ledgers
	news       *news
}

// New checks the options; it makes no request.
func New(o Options) (*Source, error) {
	address, err := parseAddress(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Passphrase == "" {
		return nil, errors.New("rpc: the network passphrase is empty")
	}
	const most = 200 // of what a server answers
	if o.Batch < 0 || o.Batch > most {
		return nil, errors.New("rpc: a batch is between 1 and 200 ledgers")
	}
	o = o.withDefaults()
	c := &client{
		address: address, http: withoutRedirects(o.HTTP), header: o.Header.Clone(), timeout: o.RequestTimeout, bound: maxAnswer,
	}
	return &Source{
		client: c, passphrase: o.Passphrase,
		ledgers: newLedgers(c, o.Passphrase, o.Batch, o.Log), news: &news{every: o.PollEvery},
	}, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PollEvery <= 0 {
		o.PollEvery = time.Second
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = 45 * time.Second
	}
	if o.Batch == 0 {
		o.Batch = 16
	}
	return o
}

// parseAddress never repeats the address in its errors: it may hold a key.
func parseAddress(text string) (string, error) {
	address, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return "", errors.New("rpc: the address of the RPC server is not a URL")
	}
	if (address.Scheme != "http" && address.Scheme != "https") || address.Host == "" {
		return "", errors.New("rpc: the address of the RPC server must begin with http:// or https:// and name a host")
	}
	address.Fragment = ""
	return address.String(), nil
}

// withoutRedirects keeps headers with keys from following an answer to another host.
func withoutRedirects(given *http.Client) *http.Client {
	c := http.Client{}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// CheckNetwork asks which network is served. It is a *stellar.WrongNetworkError where it is another than Options names.
func (s *Source) CheckNetwork(ctx context.Context) error {
	_, err := s.ownNetwork(ctx)
	return err
}

func (s *Source) ownNetwork(ctx context.Context) (networkResult, error) {
	var answer networkResult
	if err := s.client.call(ctx, methodNetwork, nil, &answer); err != nil {
		return networkResult{}, err
	}
	switch answer.Passphrase {
	case s.passphrase:
		return answer, nil
	case "":
		return networkResult{}, &AnswerError{"it names no network: is the address that of a Stellar RPC server?"}
	}
	return networkResult{}, &stellar.WrongNetworkError{Want: s.passphrase, Got: stellar.Printable(answer.Passphrase)}
}

// Root tells what the server has: its newest ledger, without the hash, and the oldest that it keeps. A server that is
// behind the network by more than it tolerates says so instead: *stellar.UnavailableError.
func (s *Source) Root(ctx context.Context) (stellar.Root, error) {
	served, err := s.ownNetwork(ctx)
	if err != nil {
		return stellar.Root{}, err
	}
	held, err := s.ledgers.held(ctx)
	if err != nil {
		return stellar.Root{}, err
	}
	return stellar.Root{
		Passphrase: served.Passphrase, ProtocolVersion: served.ProtocolVersion,
		Latest: held.latest, Elder: held.oldest, CoreLatest: held.latest.Sequence,
	}, nil
}

// Ledger asks for one ledger by its sequence. stellar.ErrNotFound: it has not closed yet, or the server has not read it;
// stellar.ErrBeforeHistory: the server does not keep it any more; *ChainError: it is not the one that was read before.
func (s *Source) Ledger(ctx context.Context, sequence int64) (stellar.Ledger, error) {
	l, err := s.ledgers.fresh(ctx, sequence)
	if err != nil {
		return stellar.Ledger{}, err
	}
	return l.public(), nil
}

// Wait returns nil when there may be something behind a position: the server has a newer ledger than the position's. All
// who wait share one question each Options.PollEvery, so it never returns earlier than that. Errors are those of requests.
func (s *Source) Wait(ctx context.Context, account string, after int64) error {
	if err := checkAsked(account, after); err != nil {
		return err
	}
	for {
		latest, err := s.news.next(ctx, func(ctx context.Context) (int64, error) {
			held, err := s.ledgers.held(ctx)
			return held.latest.Sequence, err
		})
		if err != nil || latest >= firstBehind(after) {
			return err
		}
	}
}
