package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func payoutsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "payouts", Short: "What was paid to recipients, and what hangs", Args: noArguments, RunE: help}
	var state string
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "List payouts, contradictions first", Example: `  anchor payouts list --state unknown`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				rows, err := a.DB().Payouts(ctx, store.PayoutFilter{State: anchor.PayoutState(state)}, limit)
				if err != nil {
					return err
				}
				return s.printPayouts(rows)
			})
		},
	}
	list.Flags().StringVar(&state, "state", "", "only those of this state (waiting, ready, sending, unknown, accepted, delivered, failed, cancelled, returned)")
	list.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	c.AddCommand(list, s.resolveCommand(), s.retryCommand())
	return c
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

func (s *shared) resolveCommand() *cobra.Command {
	var as, reason, external string
	c := &cobra.Command{
		Use: "resolve PAYOUT --as delivered|failed --reason TEXT", Short: "Record what became of a payout whose outcome is open",
		Long: `Records what you found out about a payout that is unknown or accepted: ask the bank first. 'failed' gives the money back to
the transaction, so that it can be paid again: be sure that it was not paid.`,
		Example: `  anchor payouts resolve 0198… --as delivered --external-id TX-77 --reason "bank statement of 3 May"`,
		Args:    arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is needed: it stays in the history")}
			}
			var outcome anchor.Outcome
			switch as {
			case "delivered":
				outcome = anchor.Delivered(external)
			case "failed":
				outcome = anchor.Failed(reason)
			default:
				return usageError{fmt.Errorf("--as must be delivered or failed, not %q", as)}
			}
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				if err := a.Payouts().Resolve(ctx, args[0], outcome, reason, operator()); err != nil {
					return err
				}
				_, err := fmt.Fprintf(s.Stdout, "payout %s is recorded as %s\n", args[0], as)
				return err
			})
		},
	}
	c.Flags().StringVar(&as, "as", "", "delivered or failed")
	c.Flags().StringVar(&reason, "reason", "", "how you know; no personal data")
	c.Flags().StringVar(&external, "external-id", "", "the rail's reference, if it was delivered")
	return c
}

func (s *shared) retryCommand() *cobra.Command {
	r := payouts.RetryRequest{}
	c := &cobra.Command{
		Use: "retry TRANSACTION --reason TEXT", Short: "Pay a transaction out after its last payout failed or came back",
		Example: `  anchor payouts retry 0198… --reason "the bank's outage of 3 May is over"`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			if r.Reason == "" {
				return usageError{errors.New("--reason is needed: it stays in the history")}
			}
			r.TransactionID, r.Actor = args[0], operator()
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				p, err := a.Payouts().Retry(ctx, r)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.Stdout, "payout %s (number %d) is %s\n", p.ID, p.Number, p.State)
				return err
			})
		},
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why; no personal data")
	c.Flags().StringVar(&r.Rail, "rail", "", "another rail than that of the last payout")
	c.Flags().BoolVar(&r.DespiteConflict, "despite-conflict", false, "you looked into the contradiction: the recipient was not paid")
	return c
}

func customersCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "customers", Short: "The people whom sending anchors registered", Args: noArguments, RunE: help}
	var status string
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "List customers and where they stand; no personal data are shown",
		Example: `  anchor customers list --status PROCESSING`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				rows, err := a.DB().Customers(ctx, store.CustomerFilter{Status: anchor.CustomerStatus(status), Limit: limit})
				if err != nil {
					return err
				}
				t := newTable("CUSTOMER", "VERSION", "TYPE", "STATUS", "MESSAGE", "BY", "REGISTERED BY", "MEMO")
				for _, r := range rows {
					t.row(r.ID, fmt.Sprint(r.Version), r.Type, string(r.Status), r.Message, r.Actor, r.OwnerAccount, memo(r.MemoType, r.Memo, ""))
				}
				return t.print(s.Stdout)
			})
		},
	}
	list.Flags().StringVar(&status, "status", "", "only those of this SEP-12 status (ACCEPTED, PROCESSING, NEEDS_INFO, REJECTED)")
	list.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	c.AddCommand(list,
		s.verdictCommand(&cobra.Command{
			Use: "accept CUSTOMER", Short: "Accept a customer; payouts that wait for it move on",
			Example: `  anchor customers accept 0198… --type sep31-receiver`,
		}, anchor.CustomerAccepted),
		s.verdictCommand(&cobra.Command{
			Use: "reject CUSTOMER --message TEXT", Short: "Reject a customer for good; nothing more is paid to or from it",
			Example: `  anchor customers reject 0198… --message "the document has run out"`,
		}, anchor.CustomerRejected))
	return c
}

func (s *shared) verdictCommand(c *cobra.Command, status anchor.CustomerStatus) *cobra.Command {
	var customerType, message string
	var judged int64
	c.Args = arguments(1)
	c.RunE = func(c *cobra.Command, args []string) error {
		if status == anchor.CustomerRejected && message == "" {
			return usageError{errors.New("--message is needed: the sending anchor is told why")}
		}
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			v := anchor.Verdict{Type: customerType, Version: judged, Status: status, Message: message}
			if err := a.Customers().SetStatus(ctx, args[0], v, operator()); err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.Stdout, "customer %s is %s\n", args[0], status)
			return err
		})
	}
	c.Flags().StringVar(&customerType, "type", "", "the SEP-12 type that is meant, where the customer has several")
	c.Flags().Int64Var(&judged, "version", 0, "the version of the customer that you looked at; if it has changed since, nothing is recorded")
	c.Flags().StringVar(&message, "message", "", "for the sending anchor")
	return c
}
