package simulated

import (
	"context"
	"os"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Bank names a bank by its file: for those who want to ask it who was paid. It answers from the ledger, whatever the bank
// said to those who sent the payouts, and may be asked from any process and goroutine, before the first payout as well.
type Bank string

// Payments lists everything that the bank was asked to pay, in order, refused ones included.
func (b Bank) Payments() ([]Payment, error) {
	l := openLedger(string(b))
	var list []Payment
	err := l.with(context.Background(), func(*os.File) error {
		list = append(list, l.payments...)
		return nil
	})
	return list, err
}

// Paid tells how often the bank paid under a key; what came back later counts, what it refused does not.
func (b Bank) Paid(key anchor.PayoutKey) (int, error) {
	payments, err := b.Payments()
	count := 0
	for _, p := range payments {
		if p.Key == key && !p.Refused {
			count++
		}
	}
	return count, err
}

// PaidTransactions tells for each transaction that was paid how many payments its recipient keeps, under whatever keys: those
// that neither were refused nor came back, or will. More than one is money lost.
func (b Bank) PaidTransactions() (map[string]int, error) {
	payments, err := b.Payments()
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, p := range payments {
		if !p.Refused && p.ReturnedAt.IsZero() {
			counts[p.TransactionID]++
		}
	}
	return counts, nil
}
