package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

func payoutsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "payouts", Short: "What is paid to recipients, what hangs, and what is paused", Args: noArguments, RunE: help}
	c.AddCommand(s.listPayoutsCommand(), s.showPayoutCommand(), s.resolveCommand(), s.retryCommand(), s.pauseCommand(), s.resumeCommand(),
		s.pausesCommand(), s.batchesCommand())
	return c
}

func (s *shared) listPayoutsCommand() *cobra.Command {
	var state, waits string
	var f store.PayoutFilter
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List payouts, those first that need somebody",
		Long: `Lists payouts: first those about which the rail said two things that exclude each other, then those of which it is not known
what became of them, then those that wait for an operator, then those that failed or came back and that nothing follows, then
all others. Each group has the newest first. What is paused stands above the list.`,
		Example: `  anchor payouts list
  anchor payouts list --state unknown --rail pix
  anchor payouts list --waits-for operator --json`, Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		f.State, f.WaitsFor = anchor.PayoutState(state), anchor.WaitsFor(waits)
		if err := knownWord("state", state, payoutStates()); err != nil {
			return err
		}
		if err := knownWord("waits-for", waits, waitedFor()); err != nil {
			return err
		}
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().Payouts(ctx, f, limit)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedPayouts(rows))
			}
			if err := s.printPauses(ctx, a.DB()); err != nil {
				return err
			}
			return s.printPayouts(rows)
		})
	}
	c.Flags().StringVar(&state, "state", "", "only those of this state ("+strings.Join(payoutStates(), ", ")+")")
	c.Flags().StringVar(&f.Rail, "rail", "", "only those by this rail")
	c.Flags().StringVar(&waits, "waits-for", "", "only those that wait for this ("+strings.Join(waitedFor(), ", ")+")")
	c.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	return c
}

func payoutStates() []string {
	return words(anchor.PayoutWaiting, anchor.PayoutReady, anchor.PayoutSending, anchor.PayoutUnknown, anchor.PayoutAccepted,
		anchor.PayoutDelivered, anchor.PayoutFailed, anchor.PayoutCancelled, anchor.PayoutReturned)
}

func waitedFor() []string {
	return words(anchor.WaitsForKYC, anchor.WaitsForInfo, anchor.WaitsForPrice, anchor.WaitsForOperator)
}

func words[T ~string](list ...T) []string {
	texts := make([]string, len(list))
	for i, word := range list {
		texts[i] = string(word)
	}
	return texts
}

// knownWord refuses a word that a flag does not know: an empty list would say that there is nothing of the kind.
func knownWord(flag, word string, known []string) error {
	if word == "" || slices.Contains(known, word) {
		return nil
	}
	return usageError{fmt.Errorf("--%s %q is none of %s", flag, word, strings.Join(known, ", "))}
}

func (s *shared) printPayouts(rows []store.ListedPayout) error {
	t := newTable("PAYOUT", "TRANSACTION", "NO", "STATE", "WAITS FOR", "RAIL", "AMOUNT", "ASSET", "KEY OF ATTEMPT", "RAIL'S ID", "CONFLICT")
	for _, r := range rows {
		p := r.Payout
		t.row(p.ID, p.TransactionID, fmt.Sprint(p.Number), string(p.State), string(p.WaitsFor), p.Rail,
			amount(p.AmountUnits, int(p.AmountDecimals)), p.AmountAsset, r.AttemptKey, r.ExternalID, r.Conflict)
	}
	return t.print(s.Stdout)
}

// listedPayout is a payout as programs get it; amounts are decimal strings.
type listedPayout struct {
	ID                string  `json:"id"`
	TransactionID     string  `json:"transaction_id"`
	TransactionStatus string  `json:"transaction_status"`
	Number            int64   `json:"number"`
	State             string  `json:"state"`
	WaitsFor          string  `json:"waits_for,omitempty"`
	Rail              string  `json:"rail"`
	Amount            string  `json:"amount,omitempty"` // what the recipient gets; none: it is not priced yet
	Asset             string  `json:"asset"`
	Debit             string  `json:"debit"` // what it takes of the received asset, fee included
	Key               string  `json:"key,omitempty"`
	ExternalID        string  `json:"external_id,omitempty"`
	Conflict          string  `json:"conflict,omitempty"`
	Tries             int64   `json:"tries"` // without news, in a row
	NextAt            *string `json:"next_at,omitempty"`
	CreatedAt         *string `json:"created_at"`
	UpdatedAt         *string `json:"updated_at"`
}

func listedPayouts(rows []store.ListedPayout) []listedPayout {
	list := make([]listedPayout, len(rows))
	for i, r := range rows {
		p := r.Payout
		list[i] = listedPayout{
			ID: p.ID, TransactionID: p.TransactionID, TransactionStatus: string(r.TransactionStatus), Number: p.Number, State: string(p.State),
			WaitsFor: string(p.WaitsFor), Rail: p.Rail, Asset: p.AmountAsset, Debit: amount(p.DebitUnits, money.StellarDecimals), Key: r.AttemptKey,
			ExternalID: r.ExternalID, Conflict: r.Conflict, Tries: p.Tries, CreatedAt: stamp(store.At(p.CreatedUs)), UpdatedAt: stamp(store.At(p.UpdatedUs)),
		}
		if p.WaitsFor != anchor.WaitsForPrice {
			list[i].Amount = amount(p.AmountUnits, int(p.AmountDecimals))
		}
		if movesByItself(p) {
			list[i].NextAt = stamp(store.At(p.NextUs))
		}
	}
	return list
}

// movesByItself tells whether the engine looks at a payout again at its next time.
func movesByItself(p store.Payout) bool {
	switch p.State {
	case anchor.PayoutReady, anchor.PayoutSending, anchor.PayoutUnknown, anchor.PayoutAccepted:
		return true
	case anchor.PayoutWaiting:
		return p.WaitsFor == anchor.WaitsForPrice
	default:
		return false
	}
}

// findPayouts finds the payouts that a text means: the id of one, the key of an attempt, or the id of a transaction.
func findPayouts(ctx context.Context, db *store.DB, text string) ([]store.ListedPayout, error) {
	subjects, err := db.SubjectsOfID(ctx, text)
	if err != nil {
		return nil, err
	}
	for _, subject := range subjects {
		transaction := subject.ID
		if subject.Kind == store.SubjectPayout {
			p, err := db.PayoutByID(ctx, subject.ID)
			if err != nil {
				return nil, err
			}
			transaction = p.TransactionID
		} else if subject.Kind != store.SubjectTransaction {
			continue
		}
		rows, err := db.Payouts(ctx, store.PayoutFilter{TransactionID: transaction}, 0)
		if err != nil {
			return nil, err
		}
		if subject.Kind == store.SubjectPayout {
			rows = slices.DeleteFunc(rows, func(r store.ListedPayout) bool { return r.Payout.ID != subject.ID })
		}
		slices.SortFunc(rows, func(a, b store.ListedPayout) int { return int(a.Payout.Number - b.Payout.Number) })
		if len(rows) == 0 {
			return nil, anchor.RefuseAs(anchor.CodeNotFound, "the transaction has no payout: it was not paid for")
		}
		return rows, nil
	}
	return nil, anchor.RefuseAs(anchor.CodeNotFound, "no such payout, key of an attempt, or transaction")
}

// onePayout finds the payout that a text means; of a transaction its last one.
func onePayout(ctx context.Context, db *store.DB, text string) (store.Payout, error) {
	rows, err := findPayouts(ctx, db, text)
	if err != nil {
		return store.Payout{}, err
	}
	return rows[len(rows)-1].Payout, nil
}

// errNoSwitch: what is to be paused has to be named.
var errNoSwitch = errors.New("name what is meant: --rail NAME or --asset CODE:ISSUER")
