package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// listLimit is how many rows a list shows where --limit does not say otherwise.
const listLimit = 100

func paymentsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "payments", Short: "Every payment that reached a receiving account", Args: noArguments, RunE: help}
	var open bool
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "List payments, newest first",
		Long: `Lists payments to the receiving accounts, credited or not. --open shows those that nobody has decided about yet,
oldest first: money that came without a transaction to belong to, too late, twice, or in another amount or asset.`,
		Example: `  anchor payments list --open`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				rows, err := a.DB().Payments(ctx, store.PaymentFilter{Open: open, Limit: limit})
				if err != nil {
					return err
				}
				t := newTable("PAYMENT", "CLOSED", "AMOUNT", "ASSET", "FROM", "MEMO", "JUDGED", "STATE", "TRANSACTION", "STELLAR HASH")
				for _, p := range rows {
					t.row(p.ID, when(store.At(p.ClosedUs)), amount(p.AmountUnits, money.StellarDecimals), p.AssetCode, p.FromAccount,
						memo(p.MemoType, p.Memo, p.ToMuxedID), string(p.Judgement), string(p.State), p.TransactionID.String, p.OuterHash)
				}
				return t.print(s.Stdout)
			})
		},
	}
	list.Flags().BoolVar(&open, "open", false, "only those that wait for a decision")
	list.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	c.AddCommand(list)
	return c
}

// memo shows a memo with its kind; a muxed id beside it where there is one.
func memo(kind, value, muxed string) string {
	text := kind
	if value != "" {
		text += ":" + value
	}
	if muxed != "" {
		text += " muxed:" + muxed
	}
	return text
}

func transactionsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "transactions", Short: "The transactions that sending anchors agreed", Args: noArguments, RunE: help}
	var status string
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "List transactions, newest first", Example: `  anchor transactions list --status pending_receiver`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				rows, err := a.DB().Transactions(ctx, store.TransactionFilter{Status: anchor.Status(status), Limit: limit})
				if err != nil {
					return err
				}
				t := newTable("TRANSACTION", "CREATED", "STATUS", "EXPECTED", "CREDITED", "HELD", "ASSET", "OUT", "CONFLICT")
				for _, row := range rows {
					t.row(row.ID, when(store.At(row.CreatedUs)), string(row.Status), amount(row.ExpectedUnits, money.StellarDecimals),
						amount(row.CreditedUnits, money.StellarDecimals), amount(row.Held(), money.StellarDecimals), row.AssetCode,
						amount(row.OutUnits, int(row.OutDecimals)), row.Conflict)
				}
				return t.print(s.Stdout)
			})
		},
	}
	list.Flags().StringVar(&status, "status", "", "only those of this SEP-31 status")
	list.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	show := &cobra.Command{
		Use: "show ID", Short: "Show a transaction with its history, payments and payouts",
		Example: `  anchor transactions show 0198…`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error { return s.showTransaction(ctx, a.DB(), args[0]) })
		},
	}
	c.AddCommand(list, show)
	return c
}

func (s *shared) showTransaction(ctx context.Context, db *store.DB, id string) error {
	t, err := db.TransactionByID(ctx, id)
	if err != nil {
		return err
	}
	facts := newTable("transaction", t.ID)
	facts.row("status", string(t.Status))
	if t.StatusMessage != "" {
		facts.row("told the sender", t.StatusMessage)
	}
	if t.Conflict != "" {
		facts.row("CONFLICT", t.Conflict)
	}
	facts.row("sending anchor", t.OwnerAccount+" "+t.OwnerMemo)
	facts.row("asset", t.AssetCode+":"+t.AssetIssuer)
	facts.row("expected", amount(t.ExpectedUnits, money.StellarDecimals))
	facts.row("credited", amount(t.CreditedUnits, money.StellarDecimals))
	facts.row("held", amount(t.Held(), money.StellarDecimals))
	facts.row("fee", amount(t.FeeUnits, money.StellarDecimals))
	facts.row("pays out", amount(t.OutUnits, int(t.OutDecimals))+" "+t.OutAsset+" by "+t.FundingMethod)
	facts.row("paid to", t.ReceivingAccount+" "+memo(t.MemoType, t.Memo.String, ""))
	facts.row("customers", t.SenderID.String+" -> "+t.ReceiverID.String)
	facts.row("expires", when(store.At(t.ExpiresUs)))
	if err := facts.print(s.Stdout); err != nil {
		return err
	}
	if err := s.showMoney(ctx, db, id); err != nil {
		return err
	}
	return s.showHistory(ctx, db, store.SubjectTransaction, id)
}

func (s *shared) showMoney(ctx context.Context, db *store.DB, id string) error {
	payments, err := db.PaymentsOf(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Stdout)
	in := newTable("PAYMENT", "CLOSED", "AMOUNT", "ASSET", "FROM", "JUDGED", "STATE", "STELLAR HASH")
	for _, p := range payments {
		in.row(p.ID, when(store.At(p.ClosedUs)), amount(p.AmountUnits, money.StellarDecimals), p.AssetCode, p.FromAccount,
			string(p.Judgement), string(p.State), p.OuterHash)
	}
	if err := in.print(s.Stdout); err != nil {
		return err
	}
	payouts, err := db.Payouts(ctx, store.PayoutFilter{TransactionID: id}, listLimit)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Stdout)
	return s.printPayouts(payouts)
}

func (s *shared) showHistory(ctx context.Context, db *store.DB, kind store.SubjectKind, id string) error {
	history, err := db.History(ctx, kind, id)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Stdout)
	t := newTable("WHEN", "WHAT", "STATUS", "BY", "WHY")
	for _, e := range history {
		status := e.ToStatus
		if e.FromStatus != "" && e.FromStatus != e.ToStatus {
			status = e.FromStatus + " -> " + e.ToStatus
		}
		t.row(when(store.At(e.AtUs)), e.Kind, status, e.Actor, e.Reason)
	}
	return t.print(s.Stdout)
}
