package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/inspect"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
	"github.com/anchorkit/anchor/pkg/money"
)

func transactionsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "transactions", Short: "The transactions that sending anchors agreed", Args: noArguments, RunE: help}
	again := s.retryCommand()
	again.Example = `  anchor transactions retry 0198… --reason "the bank's outage of 3 May is over"`
	c.AddCommand(s.listTransactionsCommand(), s.showTransactionCommand(), s.expireCommand(), again)
	return c
}

func (s *shared) listTransactionsCommand() *cobra.Command {
	var search store.TransactionSearch
	var since string
	c := &cobra.Command{
		Use: "list", Short: "List transactions, newest first",
		Example: `  anchor transactions list --status pending_receiver
  anchor transactions list --owner GAAZ… --since 2026-05-03
  anchor transactions list --since 24h --json`,
		Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		at, err := sinceTime(since, time.Now())
		if err != nil {
			return usageError{err}
		}
		if search.SinceUs = 0; !at.IsZero() {
			search.SinceUs = at.UnixMicro()
		}
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().SearchTransactions(ctx, search)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedTransactions(rows))
			}
			return s.printTransactions(rows)
		})
	}
	c.Flags().StringVar(&search.Status, "status", "", "only those of this SEP-31 status")
	c.Flags().StringVar(&search.Owner, "owner", "", "only those of this sending anchor (G…)")
	c.Flags().StringVar(&since, "since", "", "only those agreed on since then: a date, a time (RFC 3339), or how long ago, as 24h")
	c.Flags().StringVar(&search.Before, "before", "", "only those older than this one: the last id of the page before")
	c.Flags().IntVar(&search.Limit, "limit", listLimit, "most rows")
	return c
}

// sinceTime reads a date, a time or a duration before now; the zero time for nothing.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q is neither a date (2026-05-03), nor a time (2026-05-03T10:00:00Z), nor a duration (24h)", text)
}

func (s *shared) printTransactions(rows []store.Transaction) error {
	t := newTable("TRANSACTION", "CREATED", "STATUS", "EXPECTED", "CREDITED", "HELD", "ASSET", "OUT", "CONFLICT")
	for _, row := range rows {
		t.row(row.ID, when(store.At(row.CreatedUs)), string(row.Status), amount(row.ExpectedUnits, money.StellarDecimals),
			amount(row.CreditedUnits, money.StellarDecimals), amount(row.Held(), money.StellarDecimals), row.AssetCode,
			amount(row.OutUnits, int(row.OutDecimals)), row.Conflict)
	}
	return t.print(s.Stdout)
}

// listedTransaction is a transaction as programs get it; amounts are decimal strings.
type listedTransaction struct {
	ID            string  `json:"id"`
	CreatedAt     *string `json:"created_at"`
	Status        string  `json:"status"`
	StatusMessage string  `json:"status_message,omitempty"`
	Conflict      string  `json:"conflict,omitempty"`
	SendingAnchor string  `json:"sending_anchor"`
	Asset         string  `json:"asset"`
	Expected      string  `json:"expected"`
	Credited      string  `json:"credited"`
	PaidOut       string  `json:"paid_out"` // or under way to the recipient
	Refunded      string  `json:"refunded"`
	Held          string  `json:"held"`
	AmountOut     string  `json:"amount_out,omitempty"`
	OutAsset      string  `json:"out_asset"`
	FundingMethod string  `json:"funding_method"`
	Account       string  `json:"account"`
	MemoType      string  `json:"memo_type"`
	Memo          string  `json:"memo,omitempty"` // as it is stored; none: not given out yet
	ExpiresAt     *string `json:"expires_at,omitempty"`
}

func listedTransactions(rows []store.Transaction) []listedTransaction {
	list := make([]listedTransaction, len(rows))
	for i, t := range rows {
		stellar := func(units int64) string { return amount(units, money.StellarDecimals) }
		list[i] = listedTransaction{
			ID: t.ID, CreatedAt: stamp(store.At(t.CreatedUs)), Status: string(t.Status), StatusMessage: t.StatusMessage, Conflict: t.Conflict,
			SendingAnchor: t.OwnerAccount, Asset: t.AssetCode + ":" + t.AssetIssuer, Expected: stellar(t.ExpectedUnits),
			Credited: stellar(t.CreditedUnits), PaidOut: stellar(t.PayoutUnits), Refunded: stellar(t.RefundUnits), Held: stellar(t.Held()),
			OutAsset: t.OutAsset, FundingMethod: t.FundingMethod, Account: t.ReceivingAccount, MemoType: t.MemoType, Memo: t.Memo.String,
			ExpiresAt: stamp(store.At(t.ExpiresUs)),
		}
		if !t.Unpriced {
			list[i].AmountOut = amount(t.OutUnits, int(t.OutDecimals))
		}
	}
	return list
}

func (s *shared) showTransactionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "Show a transaction with its history, payments, refunds and payouts",
		Long: `Shows a transaction as it stands and all that happened to it, in order. 'anchor explain' takes any id, memo or hash, and
tells besides why it has not moved on.`,
		Example: `  anchor transactions show 0198…`, Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			story, err := inspect.NewExplainer(a.DB(), inspect.Options{}).Transaction(ctx, args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, story)
			}
			return s.printHistory(story)
		})
	}
	return c
}

func (s *shared) expireCommand() *cobra.Command {
	e := transactions.Expiry{}
	c := &cobra.Command{
		Use: "expire ID --reason TEXT", Short: "End a transaction for which nothing was paid, before it runs out by itself",
		Long: `Ends a transaction for which nothing was paid; the sending anchor is told the reason. What arrives afterwards is late, and
waits for a decision or goes back, as the policy of its asset says. It is refused where something was paid, and while the
receiving account has not just been read: a payment may be there that nobody has seen yet.`,
		Example: `  anchor transactions expire 0198… --reason "called off by the sender"`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			if e.Reason == "" {
				return usageError{errors.New("--reason is needed: it stays in the history and is told to the sending anchor")}
			}
			e.TransactionID, e.Actor = args[0], operator()
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				if err := transactions.NewOperator(a.DB()).Expire(ctx, e); err != nil {
					return err
				}
				_, err := fmt.Fprintf(s.Stdout, "transaction %s is expired\n", e.TransactionID)
				return err
			})
		},
	}
	c.Flags().StringVar(&e.Reason, "reason", "", "why; no personal data: the sending anchor is told")
	return c
}
