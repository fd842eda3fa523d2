package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

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
