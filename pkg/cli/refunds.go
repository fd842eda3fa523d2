package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

func refundsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "refunds", Short: "What goes back to who paid, and what stops it", Args: noArguments, RunE: help}
	c.AddCommand(s.listRefundsCommand(), s.showRefundCommand(), s.releaseRefundCommand(), s.cancelRefundCommand(),
		s.movementsCommand(), s.explainMovementCommand())
	return c
}

func (s *shared) listRefundsCommand() *cobra.Command {
	var f store.RefundFilter
	var state string
	c := &cobra.Command{
		Use: "list", Short: "List refunds, newest first",
		Example: `  anchor refunds list --state held
  anchor refunds list --transaction 0198… --json`,
		Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		f.State = anchor.RefundState(state)
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().Refunds(ctx, f)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedRefunds(rows))
			}
			return s.printRefunds(rows)
		})
	}
	c.Flags().StringVar(&state, "state", "", "only those of this state (ready, sending, held, confirmed, cancelled)")
	c.Flags().StringVar(&f.TransactionID, "transaction", "", "only those of payments for this transaction")
	c.Flags().StringVar(&f.PaymentID, "payment", "", "only those of this payment")
	c.Flags().StringVar(&f.Before, "before", "", "only those older than this one: the last id of the page before")
	c.Flags().IntVar(&f.Limit, "limit", listLimit, "most rows")
	return c
}

func (s *shared) printRefunds(rows []store.Refund) error {
	t := newTable("REFUND", "CREATED", "STATE", "AMOUNT", "FEE", "ASSET", "TO", "MEMO", "BY", "WHY", "TROUBLE")
	for _, r := range rows {
		t.row(r.ID, when(store.At(r.CreatedUs)), string(r.State), amount(r.Units, money.StellarDecimals), amount(r.FeeUnits, money.StellarDecimals),
			r.AssetCode, r.Destination, memo(r.MemoType, r.Memo, r.DestinationMuxedID), r.Actor, r.Reason, r.Trouble)
	}
	return t.print(s.Stdout)
}

// listedRefund is a refund as programs get it; amounts are decimal strings, memos as they are stored.
type listedRefund struct {
	ID                 string          `json:"id"`
	State              string          `json:"state"`
	Trouble            string          `json:"trouble,omitempty"`
	PaymentID          string          `json:"payment_id"`
	TransactionID      string          `json:"transaction_id,omitempty"`
	FromHeld           bool            `json:"from_held"`
	Account            string          `json:"account"`
	Destination        string          `json:"destination"`
	DestinationMuxedID string          `json:"destination_muxed_id,omitempty"`
	Asset              string          `json:"asset"`
	Amount             string          `json:"amount"` // of the payment, fee included
	Fee                string          `json:"fee"`
	MemoType           string          `json:"memo_type,omitempty"`
	Memo               string          `json:"memo,omitempty"`
	Automatic          bool            `json:"automatic"`
	Actor              string          `json:"actor"`
	Reason             string          `json:"reason"`
	StellarHash        string          `json:"stellar_hash,omitempty"`
	CreatedAt          *string         `json:"created_at"`
	ConfirmedAt        *string         `json:"confirmed_at,omitempty"`
	Envelopes          []shownEnvelope `json:"envelopes,omitempty"`
}

// shownEnvelope is one envelope of a refund.
type shownEnvelope struct {
	Number      int64   `json:"number"`
	State       string  `json:"state"`
	Sequence    string  `json:"sequence"`
	Hash        string  `json:"hash"`
	FeeBumpHash string  `json:"fee_bump_hash,omitempty"`
	Rate        int64   `json:"stroops_per_operation"`
	MaxTime     *string `json:"max_time"`
	Submissions int64   `json:"submissions"`
	Result      string  `json:"result,omitempty"`
}

func listedRefunds(rows []store.Refund) []listedRefund {
	list := make([]listedRefund, len(rows))
	for i, r := range rows {
		asset := r.AssetCode
		if r.AssetIssuer != "" {
			asset += ":" + r.AssetIssuer
		}
		list[i] = listedRefund{
			ID: r.ID, State: string(r.State), Trouble: r.Trouble, PaymentID: r.PaymentID, TransactionID: r.TransactionID.String,
			FromHeld: r.FromHeld, Account: r.Account, Destination: r.Destination, DestinationMuxedID: r.DestinationMuxedID, Asset: asset,
			Amount: amount(r.Units, money.StellarDecimals), Fee: amount(r.FeeUnits, money.StellarDecimals), MemoType: r.MemoType, Memo: r.Memo,
			Automatic: r.Automatic, Actor: r.Actor, Reason: r.Reason, StellarHash: r.StellarHash, CreatedAt: stamp(store.At(r.CreatedUs)),
			ConfirmedAt: stamp(store.At(r.ConfirmedUs)),
		}
	}
	return list
}

func shownEnvelopes(rows []store.RefundAttempt) []shownEnvelope {
	list := make([]shownEnvelope, len(rows))
	for i, e := range rows {
		list[i] = shownEnvelope{
			Number: e.Number, State: string(e.State), Sequence: strconv.FormatInt(e.Sequence, 10), Hash: e.InnerHash, FeeBumpHash: e.OuterHash,
			Rate: e.FeeStroops, MaxTime: stamp(store.At(e.MaxTimeUs)), Submissions: e.Submits, Result: e.Result,
		}
	}
	return list
}

func (s *shared) showRefundCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show REFUND", Short: "Show a refund with its envelopes",
		Long:    `Shows a refund and every envelope that was made for it. 'anchor explain' tells its whole story, in order.`,
		Example: `  anchor refunds show 0198…`, Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			r, err := a.DB().RefundByID(ctx, args[0])
			if errors.Is(err, store.ErrNotFound) {
				return anchor.RefuseAs(anchor.CodeNotFound, "no such refund")
			}
			if err != nil {
				return err
			}
			envelopes, err := a.DB().RefundAttempts(ctx, r.ID)
			if err != nil {
				return err
			}
			if *asJSON {
				shown := listedRefunds([]store.Refund{r})[0]
				shown.Envelopes = shownEnvelopes(envelopes)
				return printJSON(s.Stdout, shown)
			}
			return s.printRefund(r, envelopes)
		})
	}
	return c
}

func (s *shared) printRefund(r store.Refund, envelopes []store.RefundAttempt) error {
	if err := s.printRefunds([]store.Refund{r}); err != nil || len(envelopes) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(s.Stdout); err != nil {
		return err
	}
	t := newTable("ENVELOPE", "STATE", "SEQUENCE", "HASH", "FEE BUMP", "RATE", "LANDS UNTIL", "SENT", "THE NETWORK SAID")
	for _, e := range shownEnvelopes(envelopes) {
		until := ""
		if e.MaxTime != nil {
			until = *e.MaxTime
		}
		t.row(fmt.Sprint(e.Number), e.State, e.Sequence, e.Hash, e.FeeBumpHash, fmt.Sprint(e.Rate), until, fmt.Sprint(e.Submissions), e.Result)
	}
	return t.print(s.Stdout)
}

func (s *shared) releaseRefundCommand() *cobra.Command {
	var d refunds.Decision
	c := &cobra.Command{
		Use: "release REFUND --reason TEXT", Short: "Send a refund that is held after all",
		Long: `Lets a refund be sent that is held. What keeps refunds that are made by themselves (excluded accounts, the cap of a day, …)
does not keep it any more; what the network does not allow does.`,
		Example: `  anchor refunds release 0198… --reason "the sender has opened the trust line"
  anchor refunds release 0198… --to GAAZ… --reason "a contract paid; the sender named this account on 3 May"`,
		Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			if d.Reason == "" {
				return usageError{errors.New("--reason is needed: it stays in the history")}
			}
			d.RefundID, d.Actor = args[0], operator()
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				r, err := refunds.NewOperator(a.DB()).Release(ctx, d)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.Stdout, "refund %s is %s\n", r.ID, r.State)
				return err
			})
		},
	}
	c.Flags().StringVar(&d.Reason, "reason", "", "why; no personal data")
	c.Flags().StringVar(&d.To, "to", "", "another destination (G… or M…)")
	return c
}

func (s *shared) cancelRefundCommand() *cobra.Command {
	var d refunds.Decision
	c := &cobra.Command{
		Use: "cancel REFUND --reason TEXT", Short: "Give a refund up that was not sent",
		Long: `Gives a refund up: its payment waits for a decision again, or its transaction holds the money again. It is refused while an
envelope of the refund may still land. It prints what is to be decided then.`,
		Example: `  anchor refunds cancel 0198… --reason "the sender wants it paid out after all"`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			if d.Reason == "" {
				return usageError{errors.New("--reason is needed: it stays in the history")}
			}
			d.RefundID, d.Actor = args[0], operator()
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				if err := refunds.NewOperator(a.DB()).Cancel(ctx, d); err != nil {
					return err
				}
				next, err := afterCancel(ctx, a.DB(), d.RefundID)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.Stdout, "refund %s is cancelled\n%s\n", d.RefundID, next)
				return err
			})
		},
	}
	c.Flags().StringVar(&d.Reason, "reason", "", "why; no personal data")
	return c
}

// afterCancel says where the money of a cancelled refund is, and which commands decide about it.
func afterCancel(ctx context.Context, db *store.DB, id string) (string, error) {
	r, err := db.RefundByID(ctx, id)
	if err != nil {
		return "", err
	}
	p, err := db.PaymentByID(ctx, r.PaymentID)
	if err != nil {
		return "", err
	}
	if !r.FromHeld {
		return undecided(p), nil
	}
	t, err := db.TransactionByID(ctx, r.TransactionID.String)
	if err != nil {
		return "", err
	}
	return heldAgain(t, p), nil
}

func heldAgain(t store.Transaction, p store.Payment) string {
	text := fmt.Sprintf("transaction %s (%s) holds %s %s now", t.ID, t.Status, amount(t.Held(), money.StellarDecimals), p.AssetCode)
	switch {
	case t.Held() == 0:
		return text
	case t.Funded && t.Status == anchor.StatusPendingReceiver:
		text += fmt.Sprintf(": 'anchor payouts retry %s' pays it out where its last payout failed or came back", t.ID)
	default:
		text += ", which nothing pays out by itself"
	}
	return text + fmt.Sprintf("; 'anchor payments refund %s' sends it back", p.ID)
}

func undecided(p store.Payment) string {
	if p.State != anchor.PaymentOpen {
		return fmt.Sprintf("payment %s is %s: see 'anchor refunds list --payment %s'", p.ID, p.State, p.ID)
	}
	return fmt.Sprintf("payment %s waits for a decision, %s %s of it are left: 'anchor payments assign', 'refund' or 'ignore'",
		p.ID, amount(p.AmountUnits-p.RefundUnits, money.StellarDecimals), p.AssetCode)
}
