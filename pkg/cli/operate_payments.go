package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

func paymentsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "payments", Short: "Every payment that reached a receiving account", Args: noArguments, RunE: help}
	c.AddCommand(s.listPaymentsCommand(), s.showPaymentCommand(), s.assignCommand(), s.refundCommand(), s.ignoreCommand())
	return c
}

func (s *shared) listPaymentsCommand() *cobra.Command {
	var f store.PaymentFilter
	var state, asset string
	c := &cobra.Command{
		Use: "list", Short: "List payments, newest first",
		Long: `Lists payments to the receiving accounts, credited or not. --open shows those that nobody has decided about yet,
oldest first: money that came without a transaction to belong to, too late, twice, or in another amount or asset.`,
		Example: `  anchor payments list --open
  anchor payments list --state refunding --asset USDC --json`, Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		f.State = anchor.PaymentState(state)
		f.AssetCode, f.AssetIssuer, _ = strings.Cut(strings.TrimPrefix(asset, "stellar:"), ":")
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().Payments(ctx, f)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedPayments(rows))
			}
			return s.printPayments(rows)
		})
	}
	c.Flags().BoolVar(&f.Open, "open", false, "only those that wait for a decision")
	c.Flags().StringVar(&state, "state", "", "only those of this state (open, credited, refunding, refunded, ignored)")
	c.Flags().StringVar(&asset, "asset", "", "only those in this asset, as CODE or CODE:ISSUER; XLM is the network's own")
	c.Flags().StringVar(&f.Account, "account", "", "only those to this receiving account")
	c.Flags().IntVar(&f.Limit, "limit", listLimit, "most rows")
	return c
}

func (s *shared) printPayments(rows []store.Payment) error {
	t := newTable("PAYMENT", "CLOSED", "AMOUNT", "ASSET", "FROM", "MEMO", "JUDGED", "STATE", "TRANSACTION", "STELLAR HASH")
	for _, p := range rows {
		t.row(p.ID, when(store.At(p.ClosedUs)), amount(p.AmountUnits, money.StellarDecimals), p.AssetCode, p.FromAccount,
			memo(p.MemoType, p.Memo, p.ToMuxedID), string(p.Judgement), string(p.State), p.TransactionID.String, p.OuterHash)
	}
	return t.print(s.Stdout)
}

// listedPayment is a payment in a JSON document; amounts are decimal strings of the asset.
type listedPayment struct {
	ID            string              `json:"id"`
	Account       string              `json:"account"`
	OperationID   string              `json:"operation_id"`
	Index         int64               `json:"index"`
	Kind          string              `json:"kind"`
	StellarHash   string              `json:"stellar_hash"`
	InnerHash     string              `json:"inner_hash"`
	Ledger        int64               `json:"ledger"`
	ClosedAt      *string             `json:"closed_at"`
	From          string              `json:"from"`
	FromMuxedID   string              `json:"from_muxed_id,omitempty"`
	ToMuxedID     string              `json:"to_muxed_id,omitempty"`
	AssetCode     string              `json:"asset_code"`
	AssetIssuer   string              `json:"asset_issuer"`
	Amount        string              `json:"amount"`
	SentBack      string              `json:"sent_back"` // or on its way
	MemoType      string              `json:"memo_type"`
	Memo          string              `json:"memo"` // as it is stored: hashes in hex, texts in base64
	Judgement     anchor.Judgement    `json:"judgement"`
	State         anchor.PaymentState `json:"state"`
	TransactionID string              `json:"transaction_id,omitempty"`
	Reason        string              `json:"reason,omitempty"`
}

func listedPayments(rows []store.Payment) []listedPayment {
	list := make([]listedPayment, len(rows))
	for i, p := range rows {
		list[i] = listedPayment{
			ID: p.ID, Account: p.Account, OperationID: fmt.Sprint(p.OperationID), Index: p.Idx, Kind: p.Kind, StellarHash: p.OuterHash,
			InnerHash: p.InnerHash, Ledger: p.Ledger, ClosedAt: stamp(store.At(p.ClosedUs)), From: p.FromAccount, FromMuxedID: p.FromMuxedID,
			ToMuxedID: p.ToMuxedID, AssetCode: p.AssetCode, AssetIssuer: p.AssetIssuer, Amount: amount(p.AmountUnits, money.StellarDecimals),
			SentBack: amount(p.RefundUnits, money.StellarDecimals), MemoType: p.MemoType, Memo: p.Memo, Judgement: p.Judgement, State: p.State,
			TransactionID: p.TransactionID.String, Reason: p.Reason,
		}
	}
	return list
}

func (s *shared) showPaymentCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "Show a payment, what was decided about it and what became of it", Example: `  anchor payments show 0198…`,
		Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			shown, err := readPayment(ctx, a.DB(), args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, shown)
			}
			return s.printPayment(shown)
		})
	}
	return c
}

// shownPayment is a payment with what became of it.
type shownPayment struct {
	listedPayment
	Refunds []shownRefund  `json:"refunds"`
	History []shownHistory `json:"history"`
}

type shownRefund struct {
	ID          string             `json:"id"`
	State       anchor.RefundState `json:"state"`
	Amount      string             `json:"amount"` // fee included
	Fee         string             `json:"fee"`
	Destination string             `json:"destination"`
	StellarHash string             `json:"stellar_hash,omitempty"`
	Trouble     string             `json:"trouble,omitempty"`
}

type shownHistory struct {
	At     *string `json:"at"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Actor  string  `json:"actor"`
	Reason string  `json:"reason"`
}

func readPayment(ctx context.Context, db *store.DB, id string) (shownPayment, error) {
	p, err := db.PaymentByID(ctx, id)
	if err != nil {
		return shownPayment{}, err
	}
	shown := shownPayment{listedPayment: listedPayments([]store.Payment{p})[0], Refunds: []shownRefund{}, History: []shownHistory{}}
	refunds, err := db.Refunds(ctx, store.RefundFilter{PaymentID: id, Limit: listLimit})
	if err != nil {
		return shownPayment{}, err
	}
	for _, r := range refunds {
		shown.Refunds = append(shown.Refunds, shownRefund{
			ID: r.ID, State: r.State, Amount: amount(r.Units, money.StellarDecimals), Fee: amount(r.FeeUnits, money.StellarDecimals),
			Destination: r.Destination, StellarHash: r.StellarHash, Trouble: r.Trouble,
		})
	}
	history, err := db.History(ctx, store.SubjectPayment, id)
	for _, e := range history {
		shown.History = append(shown.History, shownHistory{stamp(store.At(e.AtUs)), e.FromStatus, e.ToStatus, e.Actor, e.Reason})
	}
	return shown, err
}

func (s *shared) printPayment(p shownPayment) error {
	facts := newTable("payment", p.ID)
	facts.row("amount", p.Amount+" "+p.AssetCode+" "+p.AssetIssuer)
	facts.row("from", p.From+" "+p.FromMuxedID)
	facts.row("to", p.Account+" "+memo(p.MemoType, p.Memo, p.ToMuxedID))
	facts.row("stellar", fmt.Sprintf("%s, operation %s, ledger %d", p.StellarHash, p.OperationID, p.Ledger))
	facts.row("judged", string(p.Judgement))
	facts.row("state", string(p.State))
	if p.Reason != "" {
		facts.row("because", p.Reason)
	}
	facts.row("transaction", p.TransactionID)
	facts.row("sent back", p.SentBack)
	for _, r := range p.Refunds {
		facts.row("refund "+r.ID, strings.TrimSpace(fmt.Sprintf("%s (fee %s) to %s: %s %s %s", r.Amount, r.Fee, r.Destination, r.State, r.StellarHash, r.Trouble)))
	}
	for _, e := range p.History {
		facts.row(*e.At, e.From+" -> "+e.To+", "+e.Actor+": "+e.Reason)
	}
	return facts.print(s.Stdout)
}

// errNoReason: what a person changes is explained.
var errNoReason = errors.New("--reason is needed: it stays in the history")

func (s *shared) assignCommand() *cobra.Command {
	var r payments.AssignRequest
	c := &cobra.Command{
		Use: "assign PAYMENT TRANSACTION --reason TEXT", Short: "Credit an open payment to a transaction as if it had named it",
		Long: `Credits a payment that waits for a decision to a transaction, however late it is: a transaction that expired is opened
again. Account and asset must be those of the transaction. Another amount than agreed is treated as the asset's policy says;
with --accept what came counts, fee and amount out are computed anew, and more than a quote sells goes back. Several payments
that make up one sum are named with --and.`,
		Example: `  anchor payments assign 0198… 0197… --reason "the sender forgot the memo, mail of 3 May"`, Args: arguments(2),
	}
	var more []string
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if r.Reason == "" {
			return usageError{errNoReason}
		}
		r.PaymentIDs, r.TransactionID, r.Actor = append([]string{args[0]}, more...), args[1], operator()
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			t, err := a.Payments().Assign(ctx, r)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedTransactions([]store.Transaction{t})[0])
			}
			_, err = fmt.Fprintf(s.Stdout, "transaction %s is %s: %s of %s %s are credited\n", t.ID, t.Status,
				amount(t.CreditedUnits, money.StellarDecimals), amount(t.ExpectedUnits, money.StellarDecimals), t.AssetCode)
			return err
		})
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why; no personal data")
	c.Flags().BoolVar(&r.Accept, "accept", false, "what came counts, although it is not what was agreed")
	c.Flags().StringArrayVar(&more, "and", nil, "a further payment of the same sum; may be repeated")
	return c
}

func (s *shared) refundCommand() *cobra.Command {
	var r payments.RefundRequest
	var units, fee string
	c := &cobra.Command{
		Use: "refund PAYMENT --reason TEXT", Short: "Send a payment back on the network, whole or in part",
		Long: `Asks for the refund of a payment that waits for a decision, or of what its transaction holds of it. execute-outgoing sends
it, to the account that paid unless --to names another one, with the memo of the payment or the refund_memo that was agreed.`,
		Example: `  anchor payments refund 0198… --reason "sent twice"
  anchor payments refund 0198… --amount 10 --fee 0.5 --to G… --reason "mail of 3 May"`, Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if r.Reason == "" {
			return usageError{errNoReason}
		}
		var err error
		if r.Units, err = unitsOf("amount", units); err != nil {
			return err
		}
		if r.FeeUnits, err = unitsOf("fee", fee); err != nil {
			return err
		}
		r.PaymentID, r.Actor = args[0], operator()
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			refund, err := a.Payments().Refund(ctx, r)
			if err != nil {
				return err
			}
			return s.printRequested(refund, *asJSON)
		})
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why; no personal data")
	c.Flags().StringVar(&units, "amount", "", "how much of the payment goes back, fee included (default: all that is left)")
	c.Flags().StringVar(&fee, "fee", "", "how much of that is kept (default: nothing)")
	c.Flags().StringVar(&r.Destination, "to", "", "the account it goes to, G… or M… (default: who paid)")
	c.Flags().BoolVar(&r.Again, "again", false, "a part went back already, and more is to go back")
	return c
}

func (s *shared) printRequested(r store.Refund, asJSON bool) error {
	if asJSON {
		return printJSON(s.Stdout, shownRefund{
			ID: r.ID, State: r.State, Amount: amount(r.Units, money.StellarDecimals), Fee: amount(r.FeeUnits, money.StellarDecimals),
			Destination: r.Destination, Trouble: r.Trouble,
		})
	}
	trouble := ""
	if r.Trouble != "" {
		trouble = ": " + r.Trouble
	}
	_, err := fmt.Fprintf(s.Stdout, "refund %s of %s %s to %s is %s%s\n", r.ID, amount(r.SentUnits(), money.StellarDecimals), r.AssetCode,
		r.Destination, r.State, trouble)
	return err
}

// unitsOf reads an amount of an asset on the network; 0 where none is given.
func unitsOf(flag, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	a, err := money.Parse(text, money.StellarDecimals)
	if err != nil {
		return 0, usageError{fmt.Errorf("--%s: %w", flag, err)}
	}
	if flag == "amount" && a.IsZero() {
		return 0, usageError{errors.New("--amount must be more than nothing")}
	}
	return a.Units(), nil
}

func (s *shared) ignoreCommand() *cobra.Command {
	var r payments.IgnoreRequest
	c := &cobra.Command{
		Use: "ignore PAYMENT --reason TEXT", Short: "Take a payment from the list of those that wait for a decision",
		Long:    `Records that nothing is to become of an open payment; the money stays where it is. --undo has it wait for a decision again.`,
		Example: `  anchor payments ignore 0198… --reason "our own top-up of the account"`, Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if r.Reason == "" {
			return usageError{errNoReason}
		}
		r.PaymentID, r.Actor = args[0], operator()
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			p, err := a.Payments().Ignore(ctx, r)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedPayments([]store.Payment{p})[0])
			}
			_, err = fmt.Fprintf(s.Stdout, "payment %s is %s\n", p.ID, p.State)
			return err
		})
	}
	c.Flags().StringVar(&r.Reason, "reason", "", "why; no personal data")
	c.Flags().BoolVar(&r.Undo, "undo", false, "have it wait for a decision again")
	return c
}
