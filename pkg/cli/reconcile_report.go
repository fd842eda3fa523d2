package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// stroops shows units that may be less than nothing.
func stroops(units int64) string {
	if units < 0 {
		return "-" + amount(-units, money.StellarDecimals)
	}
	return amount(units, money.StellarDecimals)
}

func (s *shared) showReport(r payments.Report, asJSON bool) error {
	if asJSON {
		return printJSON(s.Stdout, reportShown(r))
	}
	if err := s.showAccounts(r); err != nil {
		return err
	}
	if err := s.showCover(r.Books); err != nil {
		return err
	}
	if r.Agrees() {
		_, err := fmt.Fprintln(s.Stdout, "\nOf what was compared, everything agrees.")
		return err
	}
	return s.showFindings(r)
}

func (s *shared) showAccounts(r payments.Report) error {
	t := newTable("ACCOUNT", "COMPARED", "OPERATIONS", "ASSET", "BY THE BOOKS", "ON THE LEDGER", "")
	for _, a := range r.Accounts {
		compared := fmt.Sprintf("%d-%d", a.FromLedger, a.ThroughLedger)
		if a.Failure != "" {
			t.row(a.Account, "not compared", "", "", "", "", a.Failure)
			continue
		}
		for _, b := range a.Balances {
			verdict := "agree"
			if b.Books != b.Ledger {
				verdict = "DIFFER by " + stroops(b.Ledger-b.Books)
			}
			t.row(a.Account, compared, fmt.Sprint(a.Operations), b.Asset.Code, stroops(b.Books), stroops(b.Ledger), verdict)
		}
	}
	if err := t.print(s.Stdout); err != nil {
		return err
	}
	for _, a := range r.Accounts {
		for _, line := range []string{a.Baseline, ownAffairs(a)} {
			if line == "" {
				continue
			}
			if _, err := fmt.Fprintf(s.Stdout, "%s: %s\n", a.Account, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownAffairs says what moved that is neither a payment nor an outgoing movement.
func ownAffairs(a payments.AccountReport) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(a.Other)) {
		parts = append(parts, fmt.Sprintf("%d %s", a.Other[kind], kind))
	}
	if a.FeesUnits > 0 {
		parts = append(parts, stroops(a.FeesUnits)+" of the network's own asset for fees")
	}
	if len(parts) == 0 {
		return ""
	}
	return "its own affairs: " + strings.Join(parts, ", ")
}

func (s *shared) showCover(b payments.BooksReport) error {
	which := "all"
	if b.Since {
		which = "younger"
	}
	if _, err := fmt.Fprintf(s.Stdout, "\n%d transactions (%s) compared with their payments, payouts and refunds.\n", b.Transactions, which); err != nil {
		return err
	}
	if len(b.Cover) == 0 {
		return nil
	}
	t := newTable("OWED BY", "ASSET", "HELD", "UNDER WAY", "UNDECIDED", "IN ALL")
	for _, c := range b.Cover {
		t.row(c.Account, c.Asset.Code, stroops(c.Held), stroops(c.UnderWay), stroops(c.Open), stroops(c.Owed()))
	}
	return t.print(s.Stdout)
}

func (s *shared) showFindings(r payments.Report) error {
	if _, err := fmt.Fprintln(s.Stdout); err != nil {
		return err
	}
	t := newTable("FINDING", "SINCE", "KIND", "ACCOUNT", "ABOUT", "ASSET", "TRUE", "RECORDED", "DETAIL")
	for _, f := range r.Findings {
		t.row(f.ID, when(store.At(f.FirstUs)), f.Kind, f.Account, about(f), f.AssetCode, stroops(f.LedgerUnits), stroops(f.BookUnits), f.Detail)
	}
	if err := t.print(s.Stdout); err != nil {
		return err
	}
	if r.More {
		if _, err := fmt.Fprintln(s.Stdout, "There are more."); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(s.Stdout, "What is missing is read anew with 'anchor watch-transactions --from LEDGER --to LEDGER';\n"+
		"what cannot be mended is accepted with 'anchor reconcile --accept FINDING --reason TEXT'.")
	return err
}

func about(f store.Finding) string {
	const ledgerShift = 32
	switch {
	case f.TransactionID != "":
		return "transaction " + f.TransactionID
	case f.OperationID != 0:
		return fmt.Sprintf("operation %d in ledger %d", f.OperationID, f.OperationID>>ledgerShift)
	}
	return "the balance"
}

// reportJSON is what --json prints.
type reportJSON struct {
	Agrees       bool                `json:"agrees"`
	Accounts     []accountJSON       `json:"accounts"`
	Transactions int                 `json:"transactions_compared"`
	Cover        []coverJSON         `json:"owed"`
	Findings     []reconcileFindJSON `json:"findings"`
	More         bool                `json:"more_findings"`
}

type accountJSON struct {
	Account       string         `json:"account"`
	FromLedger    int64          `json:"from_ledger"`
	ThroughLedger int64          `json:"through_ledger"`
	Operations    int            `json:"operations"`
	Baseline      string         `json:"baseline,omitempty"`
	Other         map[string]int `json:"own_affairs"`
	Fees          string         `json:"fees"`
	Balances      []balanceJSON  `json:"balances"`
	Failure       string         `json:"failure,omitempty"`
}

type balanceJSON struct {
	Asset  string `json:"asset"`
	Books  string `json:"by_the_books"`
	Ledger string `json:"on_the_ledger"`
}

type coverJSON struct {
	Account  string `json:"account"`
	Asset    string `json:"asset"`
	Held     string `json:"held"`
	UnderWay string `json:"under_way"`
	Open     string `json:"undecided"`
}

type reconcileFindJSON struct {
	ID          string  `json:"id"`
	Kind        string  `json:"kind"`
	Account     string  `json:"account"`
	Asset       string  `json:"asset"`
	Operation   string  `json:"operation_id,omitempty"`
	Index       int64   `json:"index"`
	Transaction string  `json:"transaction_id,omitempty"`
	True        string  `json:"true"`
	Recorded    string  `json:"recorded"`
	Detail      string  `json:"detail"`
	Since       *string `json:"since"`
}

func reportShown(r payments.Report) reportJSON {
	shown := reportJSON{
		Agrees: r.Agrees(), Accounts: []accountJSON{}, Transactions: r.Books.Transactions, Cover: []coverJSON{}, Findings: []reconcileFindJSON{},
		More: r.More,
	}
	for _, a := range r.Accounts {
		account := accountJSON{
			a.Account, a.FromLedger, a.ThroughLedger, a.Operations, a.Baseline, a.Other, stroops(a.FeesUnits), []balanceJSON{}, a.Failure,
		}
		for _, b := range a.Balances {
			account.Balances = append(account.Balances, balanceJSON{b.Asset.String(), stroops(b.Books), stroops(b.Ledger)})
		}
		shown.Accounts = append(shown.Accounts, account)
	}
	for _, c := range r.Books.Cover {
		shown.Cover = append(shown.Cover, coverJSON{c.Account, c.Asset.String(), stroops(c.Held), stroops(c.UnderWay), stroops(c.Open)})
	}
	for _, f := range r.Findings {
		find := reconcileFindJSON{
			ID: f.ID, Kind: f.Kind, Account: f.Account, Asset: f.Asset().String(), Index: f.Idx, Transaction: f.TransactionID,
			True: stroops(f.LedgerUnits), Recorded: stroops(f.BookUnits), Detail: f.Detail, Since: stamp(store.At(f.FirstUs)),
		}
		if f.OperationID != 0 {
			find.Operation = fmt.Sprint(f.OperationID)
		}
		shown.Findings = append(shown.Findings, find)
	}
	return shown
}
