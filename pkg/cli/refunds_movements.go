package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// shownMovement is money that left a receiving account, as programs get it.
type shownMovement struct {
	Operation   string  `json:"operation"`
	Index       int64   `json:"index"`
	Account     string  `json:"account"`
	To          string  `json:"to,omitempty"`
	Asset       string  `json:"asset"`
	Amount      string  `json:"amount"`
	MemoType    string  `json:"memo_type,omitempty"`
	Memo        string  `json:"memo,omitempty"`
	StellarHash string  `json:"stellar_hash"`
	ClosedAt    *string `json:"closed_at"`
	Reason      string  `json:"reason,omitempty"`
}

func (s *shared) movementsCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "movements", Short: "List money that left a receiving account without a known reason",
		Long: `Lists money that left receiving accounts and that neither a refund nor a transfer to own or treasury accounts explains. As long
as there is any, no refund leaves the account: say what each was with 'anchor refunds explain-movement'.`,
		Example: `  anchor refunds movements`, Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().MovementsToExplain(ctx, limit)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, shownMovements(rows))
			}
			return s.printMovements(rows)
		})
	}
	c.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	return c
}

func (s *shared) printMovements(rows []store.OutgoingMovement) error {
	t := newTable("OPERATION", "CLOSED", "ACCOUNT", "AMOUNT", "ASSET", "TO", "MEMO", "STELLAR HASH", "")
	for _, m := range rows {
		t.row(fmt.Sprint(m.OperationID), when(store.At(m.ClosedUs)), m.Account, amount(m.AmountUnits, money.StellarDecimals), m.AssetCode,
			m.ToAccount, memo(m.MemoType, m.Memo, m.ToMuxedID), m.OuterHash, m.Reason)
	}
	return t.print(s.Stdout)
}

func shownMovements(rows []store.OutgoingMovement) []shownMovement {
	list := make([]shownMovement, len(rows))
	for i, m := range rows {
		asset := m.AssetCode
		if m.AssetIssuer != "" {
			asset += ":" + m.AssetIssuer
		}
		list[i] = shownMovement{
			Operation: strconv.FormatInt(m.OperationID, 10), Index: m.Idx, Account: m.Account, To: m.ToAccount, Asset: asset,
			Amount: amount(m.AmountUnits, money.StellarDecimals), MemoType: m.MemoType, Memo: m.Memo, StellarHash: m.OuterHash,
			ClosedAt: stamp(store.At(m.ClosedUs)), Reason: m.Reason,
		}
	}
	return list
}

func (s *shared) explainMovementCommand() *cobra.Command {
	var m refunds.Movement
	c := &cobra.Command{
		Use: "explain-movement OPERATION --reason TEXT", Short: "Say why money left a receiving account, so that its refunds go on",
		Long: `Records why money left a receiving account. Look into it first: a movement that nobody here made may mean that somebody else has
the key, or that this database is an older copy, in which case refunds would be paid twice (see 'anchor reconcile').`,
		Example: `  anchor refunds explain-movement 12884905985 --reason "moved to the exchange by hand on 3 May"`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%q is no operation: 'anchor refunds movements' lists them", args[0])}
			}
			if m.Reason == "" {
				return usageError{errors.New("--reason is needed: it stays with the movement")}
			}
			m.OperationID, m.Actor = id, operator()
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				n, err := refunds.NewOperator(a.DB()).Explain(ctx, m)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.Stdout, "movements explained now: %d\n", n)
				return err
			})
		},
	}
	c.Flags().StringVar(&m.Reason, "reason", "", "why; no personal data")
	c.Flags().StringVar(&m.Account, "account", "", "the receiving account, where the operation moved money of several")
	return c
}
