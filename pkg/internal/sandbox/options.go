package sandbox

import (
	"log/slog"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/network"
)

const (
	// DefaultCloseEvery is the time between two ledgers.
	DefaultCloseEvery = time.Second
	// DefaultFriendbotBalance is what friendbot gives, in stroops: 10000 XLM.
	DefaultFriendbotBalance = 10_000 * one
	// DefaultStreamTimeout is after how long a stream is closed with byebye, as by a real Horizon.
	DefaultStreamTimeout = 55 * time.Second
	// DefaultSubmitTimeout is how long POST /transactions waits for a ledger, as a real Horizon does.
	DefaultSubmitTimeout = 30 * time.Second
	// DefaultBaseFee is the fee per operation, in stroops.
	DefaultBaseFee = 100
)

const (
	one            = 10_000_000                      // stroops of one unit
	totalCoins     = 100_000_000_000 * one           // what exists from the genesis ledger on
	friendbotCoins = totalCoins / 10                 // friendbot's share of it
	marketCoins    = totalCoins / 10                 // the market's
	baseReserve    = 5_000_000                       // per ledger entry, in stroops
	maxLine        = int64(1<<63 - 1)                // the greatest amount, and limit of a trust line
	protocol       = 25                              // the ledger protocol that is announced
	ledgerCapacity = 100_000                         // transactions of one ledger
	horizonVersion = "28.0.0-sandbox"                // as announced by GET /
	coreVersion    = "stellar-core 28.0.0 (sandbox)" // as announced by GET /
)

// Options are the settings of a Network; the zero value is a network like the public test network.
type Options struct {
	// Passphrase names the network; empty: that of the Stellar test network.
	Passphrase string
	// CloseEvery is the time between two ledgers that Run closes; zero: DefaultCloseEvery, negative: Run closes none.
	// Without Run, ledgers are closed by CloseLedger only.
	CloseEvery time.Duration
	// FriendbotBalance is what friendbot gives to a new account, in stroops; zero: DefaultFriendbotBalance.
	FriendbotBalance int64
	// BaseFee is the least fee per operation, in stroops; zero: DefaultBaseFee.
	BaseFee int64
	// StreamTimeout is after how long a stream is closed with byebye; zero: DefaultStreamTimeout.
	StreamTimeout time.Duration
	// SubmitTimeout is how long POST /transactions waits before it answers 504; zero: DefaultSubmitTimeout.
	SubmitTimeout time.Duration
	// RateLimit is how many requests per hour one address may make, in bursts of 101; zero: no limit and no headers.
	RateLimit int
	// KeepLedgers is of how many ledgers the history is kept, as by a Horizon that forgets older ones; zero: of all.
	KeepLedgers int
	// OnePerLedger lets one transaction of an account wait for a ledger, as a real network does; others are told to try
	// again later.
	OnePerLedger bool
	// Now is the clock of the ledgers and of the rate limit; nil: time.Now.
	Now func() time.Time
	// Log takes the closed ledgers at debug level; nil: nothing is logged.
	Log *slog.Logger
	// BaseURL begins the links of the answers; empty: taken from each request's Host.
	BaseURL string
}

func (o Options) withDefaults() Options {
	if strings.TrimSpace(o.Passphrase) == "" {
		o.Passphrase = network.TestNetworkPassphrase
	}
	o.CloseEvery = orDefault(o.CloseEvery, DefaultCloseEvery)
	o.FriendbotBalance = orDefault(o.FriendbotBalance, DefaultFriendbotBalance)
	o.BaseFee = orDefault(o.BaseFee, DefaultBaseFee)
	o.StreamTimeout = orDefault(o.StreamTimeout, DefaultStreamTimeout)
	o.SubmitTimeout = orDefault(o.SubmitTimeout, DefaultSubmitTimeout)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	return o
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
