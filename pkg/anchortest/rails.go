package anchortest

import (
	"context"
	"testing"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// RailOptions tell CheckRails what it has to know of a rail. The zero value is for rails that pay whatever they are asked.
type RailOptions struct {
	// Payout makes the n-th payout of a check, counted from 0: one that the rail pays. Its key and transaction are filled in
	// by the check, anew each time, so that a bank which remembers keys can be checked again. nil: 12.34 of iso4217:USD for
	// a made-up sender and receiver.
	Payout func(n int) anchor.Payout
	// Paid asks the bank itself, not the rail, how often it paid under a key. nil: what is paid twice is then only seen where
	// the rail's answers betray it.
	Paid func(ctx context.Context, key anchor.PayoutKey) (int, error)
	// Settle is how long the rail may take until what it has accepted is delivered or has failed. Zero: it is not awaited.
	Settle time.Duration
	// Timeout is how long one call may take; zero: 10 seconds.
	Timeout time.Duration
	// AtOnce is how many payouts are made at once where several are; zero: 8.
	AtOnce int
}

func (o RailOptions) withDefaults() RailOptions {
	if o.Payout == nil {
		o.Payout = madeUpPayout
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 8
	}
	return o
}

// madeUpPayout pays somebody who does not exist.
func madeUpPayout(int) anchor.Payout {
	return anchor.Payout{
		Amount: "12.34", Asset: "iso4217:USD", FundingMethod: FundingMethod,
		Sender: &anchor.Customer{
			ID: "sender", Version: 1, Type: SenderType, Statuses: map[string]anchor.CustomerStatus{SenderType: anchor.CustomerAccepted},
			Values: map[string]string{"first_name": "Ana Lucia", "last_name": "Fernandes", "email_address": "ana@example.com"},
		},
		Receiver: &anchor.Customer{
			ID: "receiver", Version: 1, Type: ReceiverType, Statuses: map[string]anchor.CustomerStatus{ReceiverType: anchor.CustomerAccepted},
			Values: map[string]string{"first_name": "Bruno José", "last_name": "Almeida", "bank_account_number": "000123456", "bank_number": "341000"},
		},
	}
}

// CheckRails holds a rail against what the payout engine relies on (anchor.Rails, anchor.Rail). It makes some forty payouts, so
// it is for a bank's test system, or for a fake of it. Each rule is a subtest of its own where t is a *testing.T:
//
//   - what it declares makes sense
//   - a payout is made once, and delivered means paid
//   - a key that is sent again is the same payout, unless it declares that none may be (SameKeySafeFor)
//   - a key whose call was cut off and that is sent again is paid once, likewise; one that it then does not know, after
//     NotKnownFinalAfter, is never paid
//   - a call ends when its context does
//   - answers are by key, whatever the order, and only about what was asked
//   - it invents nothing about keys that were never sent; asking pays nothing
//   - to be asked about nothing is no error
//   - several payouts at once are each paid once
//   - odd values, absent people and empty texts make neither panic nor second payment
//   - what was said stays: delivered never becomes failed without Returned, failed never becomes delivered
//   - nobody is paid twice, and nobody of whom it said that nothing was paid
//
// During all of it, whatever the rule, a rail must not panic, not change the payout that it is given, and repeat no personal
// value in errors and reasons (what is said there is logged and shown).
//
// Rails that lack something on purpose declare it, and are not held to it: a zero SameKeySafeFor keeps the anchor from
// sending a key again.
func CheckRails(t testing.TB, rail anchor.Rail, o RailOptions) {
	t.Helper()
	if rail.Rails == nil {
		t.Fatalf("CheckRails: the rail is empty")
		return
	}
	c := newRailCheck(rail, o.withDefaults())
	if o.Paid == nil {
		t.Logf("CheckRails: without RailOptions.Paid nobody can ask the bank who was paid how often; say how if you can")
	}
	follow(t, []rule{
		{"what it declares makes sense", c.declares},
		{"a payout is made once", c.paysOnce},
		{"a key that is sent again is the same payout", c.recognises},
		{"a call that was cut off is paid once", c.survivesCut},
		{"a call ends when its context does", c.endsWithContext},
		{"answers are by key", c.answersByKey},
		{"it invents nothing about keys that were never sent", c.inventsNothing},
		{"to be asked about nothing is no error", c.bearsNothing},
		{"several payouts at once are each paid once", c.bearsSeveral},
		{"odd values do no harm", c.bearsOddValues},
		{"what was said stays", c.keepsWord},
		{"nobody is paid twice", c.audits},
	})
}
