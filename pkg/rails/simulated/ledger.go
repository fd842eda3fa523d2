package simulated

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Payment is one line of the ledger: what the bank decided about a key, for good.
type Payment struct {
	Key           anchor.PayoutKey `json:"key"`
	TransactionID string           `json:"transaction_id"`
	Amount        string           `json:"amount"` // decimal, in units of Asset
	Asset         string           `json:"asset"`  // SEP-38 asset id
	ExternalID    string           `json:"external_id"`
	Refused       bool             `json:"refused,omitempty"` // not paid, and never will be under this key
	At            time.Time        `json:"at"`
	KnownAt       time.Time        `json:"known_at,omitzero"`     // until then the bank says that it does not know the key; zero: at once
	DeliveredAt   time.Time        `json:"delivered_at,omitzero"` // when the recipient has the money; zero when refused
	ReturnedAt    time.Time        `json:"returned_at,omitzero"`  // when it comes back after all; zero: never
}

// ledger is the file as this process knows it. Others append to it too.
type ledger struct {
	path string

	busy     chan struct{} // holds one value while the fields below are used
	read     int64         // how much of the file is in payments
	file     os.FileInfo
	payments []Payment
	byKey    map[anchor.PayoutKey]int
	coming   []int // the payments that come back
}

func openLedger(path string) *ledger {
	return &ledger{path: path, busy: make(chan struct{}, 1), byKey: map[anchor.PayoutKey]int{}}
}

// errUnusable means that the file could not be used at all: nothing was paid.
var errUnusable = errors.New("the simulated bank's file cannot be used")

// with calls use while nobody else writes, after everything that others wrote has been read. It waits for its turn as long
// as ctx lasts.
func (l *ledger) with(ctx context.Context, use func(f *os.File) error) (err error) {
	select {
	case l.busy <- struct{}{}:
		defer func() { <-l.busy }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errUnusable, ctx.Err())
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // which also unlocks it
	if err := lock(ctx, f); err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	if err := l.catchUp(f); err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	return use(f)
}

// The wait between two looks at a lock that somebody else has.
const (
	firstLook   = 50 * time.Microsecond
	longestLook = 5 * time.Millisecond
)

// lock asks instead of waiting in the kernel: whoever has the lock may be stopped, and the caller's time is limited.
func lock(ctx context.Context, f *os.File) error {
	for wait := firstLook; ; wait = min(2*wait, longestLook) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case !pass(ctx, wait):
			return ctx.Err()
		}
	}
}

// catchUp reads what was appended since the last time. A line without an end is what a killed process left: it was never
// confirmed to anybody, and is cut off.
func (l *ledger) catchUp(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if l.file == nil || !os.SameFile(l.file, info) || info.Size() < l.read {
		l.read, l.payments, l.byKey, l.coming = 0, nil, map[anchor.PayoutKey]int{}, nil // another file than before
	}
	l.file = info
	if info.Size() == l.read {
		return nil
	}
	news := make([]byte, info.Size()-l.read)
	if _, err := f.ReadAt(news, l.read); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	whole := bytes.LastIndexByte(news, '\n') + 1
	for line := range bytes.Lines(news[:whole]) {
		var p Payment
		if err := json.Unmarshal(line, &p); err != nil {
			return fmt.Errorf("line after byte %d: %w", l.read, err)
		}
		l.remember(p)
		l.read += int64(len(line))
	}
	if whole < len(news) {
		return f.Truncate(l.read)
	}
	return nil
}

func (l *ledger) remember(p Payment) {
	if _, known := l.byKey[p.Key]; !known {
		l.byKey[p.Key] = len(l.payments)
	}
	if !p.ReturnedAt.IsZero() {
		l.coming = append(l.coming, len(l.payments))
	}
	l.payments = append(l.payments, p)
}

// find is the first payment under a key.
func (l *ledger) find(key anchor.PayoutKey) (Payment, bool) {
	i, known := l.byKey[key]
	if !known {
		return Payment{}, false
	}
	return l.payments[i], true
}

// append writes one line; the lock is held.
func (l *ledger) append(f *os.File, p Payment) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if _, err := f.WriteAt(line, l.read); err != nil {
		return errors.Join(err, f.Truncate(l.read))
	}
	l.read += int64(len(line))
	l.remember(p)
	return nil
}
