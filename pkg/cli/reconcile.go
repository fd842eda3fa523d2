package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
	"github.com/anchorkit/anchor/pkg/money"
)

// errDrift makes the exit code ExitDrift.
var errDrift = errors.New("books and ledger do not agree")

// reconcileFlags are those of the command; at most one of what they do.
type reconcileFlags struct {
	loop, afterRestore, markRestored bool
	interval, since                  time.Duration
	accept, rebase, reason           string
	json                             *bool
}

func reconcileCommand(s *shared) *cobra.Command {
	var f reconcileFlags
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare the books with the ledger, operation by operation, and with themselves",
		Long: `Compares, for every receiving account and as far as watch-transactions has read it, each operation that the network
shows with what is recorded, and the balances with what moved; then every transaction with its payments, payouts and
refunds. Whatever does not agree is stored, and listed until it is gone or accepted. Nothing else is changed.

Exit codes: 0 all agree, 1 something could not be compared, 4 something does not agree.

After the database was restored from a copy that is older than the world, nothing may be sent before
--after-restore has run. Whoever restores it says so with --mark-restored before any process starts.`,
		Example: `  anchor reconcile
  anchor reconcile --loop --interval 1h
  anchor reconcile --since 24h --json
  anchor reconcile --accept 0198… --reason "paid out by hand on 3 May"
  anchor reconcile --mark-restored --reason "backup of last night"
  anchor reconcile --after-restore`,
		Args: noArguments,
	}
	f.json = jsonFlag(c)
	flags := c.Flags()
	flags.BoolVar(&f.loop, "loop", false, "go on until a signal comes")
	flags.DurationVarP(&f.interval, "interval", "i", time.Hour, "with --loop: time between two comparisons")
	flags.DurationVar(&f.since, "since", 0, "compare only transactions agreed since so long ago with their payments and payouts; 0 is all")
	flags.StringVar(&f.accept, "accept", "", "accept the finding of this ID; needs --reason")
	flags.StringVar(&f.rebase, "rebase", "", "begin anew with what this account holds now; needs --reason")
	flags.BoolVar(&f.markRestored, "mark-restored", false, "this database was restored from an older copy: nothing is sent from now on")
	flags.BoolVar(&f.afterRestore, "after-restore", false, "make a restored database fit to send again")
	flags.StringVar(&f.reason, "reason", "", "why, for the history")
	s.operatorFlag(c)
	c.MarkFlagsMutuallyExclusive("loop", "accept", "rebase", "mark-restored", "after-restore")
	c.RunE = func(c *cobra.Command, _ []string) error { return s.reconcile(c.Context(), f) }
	return c
}

func (s *shared) reconcile(ctx context.Context, f reconcileFlags) error {
	switch {
	case (f.accept != "" || f.rebase != "") && f.reason == "":
		return usageError{errors.New("--reason is needed: say why")}
	case f.loop:
		return s.role(ctx, config.RoleOperate, func(a *app.App, life worker.Life) error { return a.Reconcile(life, f.interval, f.since) })
	}
	return s.operate(ctx, func(ctx context.Context, a *app.App) error {
		switch {
		case f.accept != "":
			return s.acceptFinding(ctx, a, f)
		case f.rebase != "":
			return s.rebase(ctx, a, f)
		case f.markRestored:
			return s.markRestored(ctx, a, f)
		case f.afterRestore:
			return s.afterRestore(ctx, a, f)
		}
		return s.reconcileOnce(ctx, a, f)
	})
}

func (s *shared) reconcileOnce(ctx context.Context, a *app.App, f reconcileFlags) error {
	report, err := a.Reconciler(f.since).Once(ctx)
	if shown := s.showReport(report, *f.json); err == nil {
		err = shown
	}
	if err == nil && !report.Agrees() {
		return errDrift
	}
	return err
}

func (s *shared) acceptFinding(ctx context.Context, a *app.App, f reconcileFlags) error {
	accepted, err := a.Reconciler(0).Accept(ctx, f.accept, operator(), f.reason)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no finding %s", f.accept)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Stdout, "finding %s is %s\n", accepted.ID, accepted.State)
	return err
}

func (s *shared) rebase(ctx context.Context, a *app.App, f reconcileFlags) error {
	if err := a.Reconciler(0).Rebase(ctx, f.rebase, operator(), f.reason); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Stdout, "the next comparison of %s begins with what it holds now\n", f.rebase)
	return err
}

func (s *shared) markRestored(ctx context.Context, a *app.App, f reconcileFlags) error {
	reason := f.reason
	if reason == "" {
		reason = "declared by --mark-restored"
	}
	if err := a.Reconciler(0).MarkRestored(ctx, operator(), reason); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.Stdout, "nothing is sent from this database until 'anchor reconcile --after-restore' has run")
	return err
}

func (s *shared) afterRestore(ctx context.Context, a *app.App, f reconcileFlags) error {
	reason := f.reason
	if reason == "" {
		reason = "anchor reconcile --after-restore"
	}
	report, err := a.AfterRestore(ctx, operator(), reason)
	if err != nil {
		return fmt.Errorf("nothing is sent from this database yet: %w", err)
	}
	if *f.json {
		return printJSON(s.Stdout, restoreShown(report))
	}
	return s.showRestore(report)
}

func (s *shared) showRestore(report payments.RestoreReport) error {
	t := newTable("ACCOUNT", "READ THROUGH", "CLOSED")
	for _, l := range report.Accounts {
		t.row(l.Account, fmt.Sprint(l.ThroughLedger), when(l.ThroughClosed))
	}
	if err := t.print(s.Stdout); err != nil {
		return err
	}
	for _, r := range report.Adopted {
		fmt.Fprintf(s.Stdout, "\nrefund %s had left already: %s", r.RefundID, r.Movement.OuterHash)
	}
	for _, m := range report.Unexplained {
		fmt.Fprintf(s.Stdout, "\noperation %d sent %s %s from %s to %s and nothing here explains it: the refunds of the account stay stopped until "+
			"somebody says why", m.OperationID, amount(m.AmountUnits, money.StellarDecimals), m.AssetCode, m.Account, m.ToAccount)
	}
	for _, p := range report.Parked {
		fmt.Fprintf(s.Stdout, "\npayout %s of transaction %s waits for you: such a movement may have sent its money back. If not: anchor payouts retry %s --reason \"…\"",
			p.ID, p.TransactionID, p.TransactionID)
	}
	more := ""
	if report.More {
		more = " and more"
	}
	_, err := fmt.Fprintf(s.Stdout, "\n%d payouts%s are asked about at their rails before anything is sent ('anchor payouts list').\n"+
		"This database sends again. Now run 'anchor reconcile'.\n", len(report.AskAbout), more)
	return err
}

// restoreJSON is what --after-restore --json prints.
type restoreJSON struct {
	Accounts []restoredAccountJSON `json:"accounts"`
	Adopted  []adoptedJSON         `json:"refunds_that_had_left"`
	Left     []unexplainedJSON     `json:"unexplained_movements"`
	Parked   []string              `json:"payouts_that_wait_for_an_operator"`
	Payouts  []string              `json:"payouts_to_ask_about"`
	More     bool                  `json:"more_payouts"`
}

type restoredAccountJSON struct {
	Account       string `json:"account"`
	ThroughLedger int64  `json:"through_ledger"`
}

type adoptedJSON struct {
	Refund      string `json:"refund_id"`
	StellarHash string `json:"stellar_hash"`
}

type unexplainedJSON struct {
	Account     string `json:"account"`
	Operation   string `json:"operation_id"`
	To          string `json:"to"`
	Amount      string `json:"amount"`
	Asset       string `json:"asset"`
	StellarHash string `json:"stellar_hash"`
}

func restoreShown(r payments.RestoreReport) restoreJSON {
	shown := restoreJSON{
		Accounts: []restoredAccountJSON{}, Adopted: []adoptedJSON{}, Left: []unexplainedJSON{}, Parked: []string{}, Payouts: []string{},
		More: r.More,
	}
	for _, l := range r.Accounts {
		shown.Accounts = append(shown.Accounts, restoredAccountJSON{l.Account, l.ThroughLedger})
	}
	for _, a := range r.Adopted {
		shown.Adopted = append(shown.Adopted, adoptedJSON{a.RefundID, a.Movement.OuterHash})
	}
	for _, m := range r.Unexplained {
		shown.Left = append(shown.Left, unexplainedJSON{
			m.Account, fmt.Sprint(m.OperationID), m.ToAccount, amount(m.AmountUnits, money.StellarDecimals),
			store.AssetName{Code: m.AssetCode, Issuer: m.AssetIssuer}.String(), m.OuterHash,
		})
	}
	for _, p := range r.Parked {
		shown.Parked = append(shown.Parked, p.ID)
	}
	for _, p := range r.AskAbout {
		shown.Payouts = append(shown.Payouts, p.Payout.ID)
	}
	return shown
}
