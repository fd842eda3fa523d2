package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// replay is what watch-transactions was asked to read again.
type replay struct {
	over     payments.Range
	accounts []string
	asJSON   *bool
}

var errReplayRange = usageError{errors.New("--from LEDGER says where to begin; --to LEDGER, where to end, may not come before it")}

func (r *replay) flags(c *cobra.Command) {
	c.Flags().Int64Var(&r.over.First, "from", 0, "read again from this ledger on, and exit")
	c.Flags().Int64Var(&r.over.Last, "to", 0, "with --from: to this ledger (default: as far as each account has been read)")
	c.Flags().StringArrayVar(&r.accounts, "account", nil, "with --from: only this receiving account; may be repeated")
	r.asJSON = jsonFlag(c)
	c.MarkFlagsMutuallyExclusive("from", "once")
}

// asked tells whether any flag of a replay was given.
func (r *replay) asked(c *cobra.Command) bool {
	for _, name := range []string{"from", "to", "account"} {
		if c.Flags().Changed(name) {
			return true
		}
	}
	return false
}

func (s *shared) replay(ctx context.Context, r replay) error {
	if r.over.First < 1 || r.over.Last < 0 || r.over.Last > 0 && r.over.Last < r.over.First {
		return errReplayRange
	}
	return s.role(ctx, config.RoleWatch, func(a *app.App, life worker.Life) error {
		done, err := a.Replay(life.Soft, r.over, r.accounts...)
		return errors.Join(s.printReplayed(done, &r), err)
	})
}

// replayed is one account in a JSON document.
type replayed struct {
	Account           string `json:"account"`
	FirstLedger       int64  `json:"first_ledger"`
	LastLedger        int64  `json:"last_ledger"`
	Payments          int    `json:"payments"`
	PaymentsMissing   int    `json:"payments_missing"`
	TransactionsFound int    `json:"transactions_funded"`
	Outgoing          int    `json:"outgoing"`
	OutgoingMissing   int    `json:"outgoing_missing"`
	Note              string `json:"note,omitempty"`
}

func (s *shared) printReplayed(done []payments.Replayed, r *replay) error {
	if *r.asJSON {
		list := make([]replayed, len(done))
		for i, d := range done {
			list[i] = replayed{
				d.Account, d.Range.First, d.Range.Last, d.Payments, d.MissingPayments, d.TransactionsPaid, d.Outgoing, d.MissingOutgoing, r.note(d),
			}
		}
		return printJSON(s.Stdout, list)
	}
	if len(done) == 0 {
		return nil
	}
	t := newTable("ACCOUNT", "LEDGERS", "PAYMENTS", "MISSING", "FUNDED", "OUTGOING", "MISSING", "")
	for _, d := range done {
		ledgers := "none"
		if d.Range.Last >= d.Range.First {
			ledgers = fmt.Sprintf("%d to %d", d.Range.First, d.Range.Last)
		}
		t.row(d.Account, ledgers, strconv.Itoa(d.Payments), strconv.Itoa(d.MissingPayments), strconv.Itoa(d.TransactionsPaid),
			strconv.Itoa(d.Outgoing), strconv.Itoa(d.MissingOutgoing), r.note(d))
	}
	return t.print(s.Stdout)
}

// note says why not all that was asked for was read; empty where it was.
func (r *replay) note(d payments.Replayed) string {
	switch {
	case d.NeverRead:
		return "no watcher has begun with it yet"
	case d.Range.First > r.over.First || d.Range.Last < r.over.Last || d.Range.Last < d.Range.First:
		return fmt.Sprintf("it has been read from ledger %d to %d so far", d.Watched.First, d.Watched.Last)
	}
	return ""
}
