package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/stellar/go-stellar-sdk/keypair"
)

// Options say who sends, and to whom.
type Options struct {
	Home       string        // where the receiving anchor's stellar.toml is: http://localhost:8000
	Horizon    string        // of the network; without a trailing slash
	Passphrase string        // that the sender means to be on
	Account    *keypair.Full // the sending anchor itself
	AssetCode  string
	// CallbackURL is where status messages shall go; nil: none are asked for. See Callbacks.
	CallbackURL func(transactionID string) string
	HTTP        *http.Client  // nil: one with a timeout
	PollEvery   time.Duration // between two looks at a transaction; 0: 300 ms
}

// Sender is one sending anchor. It is safe for concurrent use.
type Sender struct {
	options Options
	http    *http.Client
	info    anchorInfo

	login sync.Mutex
	token string

	paying   sync.Mutex // one payment after the other: sequence numbers
	sequence int64
	known    bool // whether sequence is
}

// anchorInfo is what stellar.toml tells of the receiving anchor.
type anchorInfo struct {
	Passphrase string     `toml:"NETWORK_PASSPHRASE"`
	SigningKey string     `toml:"SIGNING_KEY"`
	Auth       string     `toml:"WEB_AUTH_ENDPOINT"`
	KYC        string     `toml:"KYC_SERVER"`
	Payments   string     `toml:"DIRECT_PAYMENT_SERVER"`
	Quotes     string     `toml:"ANCHOR_QUOTE_SERVER"`
	Currencies []currency `toml:"CURRENCIES"`
}

type currency struct {
	Code   string `toml:"code"`
	Issuer string `toml:"issuer"`
}

// New makes a sender and reads the receiving anchor's stellar.toml, waiting for it as long as ctx lasts.
func New(ctx context.Context, o Options) (*Sender, error) {
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 60 * time.Second}
	}
	if o.PollEvery <= 0 {
		o.PollEvery = 300 * time.Millisecond
	}
	s := &Sender{options: o, http: o.HTTP}
	body, err := s.call(ctx, call{method: http.MethodGet, url: strings.TrimRight(o.Home, "/") + "/.well-known/stellar.toml"})
	if err != nil {
		return nil, fmt.Errorf("stellar.toml: %w", err)
	}
	if err := toml.Unmarshal(body, &s.info); err != nil {
		return nil, fmt.Errorf("stellar.toml: %w", err)
	}
	if s.info.Passphrase != o.Passphrase {
		return nil, fmt.Errorf("the receiving anchor is on the network %q, this sender on %q", s.info.Passphrase, o.Passphrase)
	}
	if s.info.Auth == "" || s.info.KYC == "" || s.info.Payments == "" {
		return nil, errors.New("the receiving anchor does not offer SEP-10, SEP-12 and SEP-31")
	}
	return s, nil
}

// SigningKey is the key that signs the receiving anchor's callbacks.
func (s *Sender) SigningKey() string { return s.info.SigningKey }

// issuer finds who issues the asset that is sent.
func (s *Sender) issuer() (string, error) {
	for _, c := range s.info.Currencies {
		if c.Code == s.options.AssetCode {
			return c.Issuer, nil
		}
	}
	return "", fmt.Errorf("the receiving anchor does not receive %s", s.options.AssetCode)
}
