package main

import (
	"context"
	"testing"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

func TestBank_keeps_the_contract_of_rails(t *testing.T) {
	t.Parallel()
	s := testSettings(t)
	s.DeliversAfter = 20 * time.Millisecond
	b, err := openBank(s)
	if err != nil {
		t.Fatal(err)
	}
	anchortest.CheckRails(t, b.rail(), anchortest.RailOptions{
		Payout: func(int) anchor.Payout { return transfer(1, known, open) },
		Paid:   func(_ context.Context, key anchor.PayoutKey) (int, error) { return simulated.Bank(s.Ledger).Paid(key) },
		Settle: 5 * time.Second,
	})
}

func TestReceiver_keeps_the_contract_of_receivers(t *testing.T) {
	t.Parallel()
	anchortest.CheckReceiver(t, decide(t), anchortest.ReceiverOptions{
		Admitted: anchor.SendingAnchor{Account: friend},
		Request:  func() anchor.PostRequest { return request(known, open) },
	})
}
