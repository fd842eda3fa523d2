package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
)

func (s *shared) resolveCommand() *cobra.Command {
	var as, reason, external string
	c := &cobra.Command{
		Use: "resolve PAYOUT|KEY --as delivered|failed --reason TEXT", Short: "Record what became of a payout whose outcome is open",
		Long: `Records what you found out about a payout that is unknown or accepted: ask the bank first. 'failed' gives the money back to
the transaction, so that it can be paid again: be sure that it was not paid.`,
		Example: `  anchor payouts resolve 0198… --as delivered --external-id TX-77 --reason "bank statement of 3 May"`,
		Args:    arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if reason == "" {
			return usageError{errNoReason}
		}
		outcome, err := resolution(as, external, reason)
		if err != nil {
			return err
		}
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			p, err := onePayout(ctx, a.DB(), args[0])
			if err != nil {
				return err
			}
			if err := a.Payouts().Resolve(ctx, p.ID, outcome, reason, operator()); err != nil {
				return err
			}
			if *asJSON {
				return s.printChanged(ctx, a, p.ID)
			}
			_, err = fmt.Fprintf(s.Stdout, "payout %s is recorded as %s\n", p.ID, as)
			return err
		})
	}
	c.Flags().StringVar(&as, "as", "", "delivered or failed")
	c.Flags().StringVar(&reason, "reason", "", "how you know; no personal data")
	c.Flags().StringVar(&external, "external-id", "", "the rail's reference, if it was delivered")
	return c
}

func resolution(as, external, reason string) (anchor.Outcome, error) {
	switch {
	case as == "delivered":
		return anchor.Delivered(external), nil
	case as == "failed" && external != "":
		return anchor.Outcome{}, usageError{errors.New("--external-id goes with --as delivered")}
	case as == "failed":
		return anchor.Failed(reason), nil
	default:
		return anchor.Outcome{}, usageError{fmt.Errorf("--as must be delivered or failed, not %q", as)}
	}
}

func (s *shared) retryCommand() *cobra.Command {
	r := payouts.RetryRequest{}
	c := &cobra.Command{
		Use: "retry TRANSACTION --reason TEXT", Short: "Pay a transaction out after its last payout failed or came back, or waits for you",
		Long: `Makes the next payout of a transaction whose last one failed or came back, or lets one go on that waits for an operator. It
is refused while a payout may have been made. PAYOUT or the KEY of an attempt name their transaction as well.`,
		Example: `  anchor payouts retry 0198… --reason "the bank's outage of 3 May is over"`, Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if r.Reason == "" {
			return usageError{errNoReason}
		}
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			found, err := onePayout(ctx, a.DB(), args[0])
			if err != nil {
				return err
			}
			r.TransactionID, r.Actor = found.TransactionID, operator()
			p, err := a.Payouts().Retry(ctx, r)
			if err != nil {
				return err
			}
			if *asJSON {
				return s.printChanged(ctx, a, p.ID)
			}
			_, err = fmt.Fprintf(s.Stdout, "payout %s (number %d) is %s%s\n", p.ID, p.Number, p.State, waitsWords(string(p.WaitsFor)))
			return err
		})
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why; no personal data")
	c.Flags().StringVar(&r.Rail, "rail", "", "another rail than that of the last payout")
	c.Flags().BoolVar(&r.DespiteConflict, "despite-conflict", false, "you looked into the contradiction: the recipient was not paid")
	return c
}

func waitsWords(what string) string {
	if what == "" {
		return ""
	}
	return " for " + what
}

// printChanged prints a payout as it stands after a change, for programs.
func (s *shared) printChanged(ctx context.Context, a *app.App, id string) error {
	rows, err := findPayouts(ctx, a.DB(), id)
	if err != nil {
		return err
	}
	return printJSON(s.Stdout, listedPayouts(rows)[0])
}
