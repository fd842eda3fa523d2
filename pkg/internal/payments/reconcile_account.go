package payments

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// AccountReport is what came of comparing one account. It is compared as far as a watcher has read it.
type AccountReport struct {
	Account                   string
	FromLedger, ThroughLedger int64
	Baseline                  string         // said once: when it was settled what the account held before FromLedger
	Operations                int            // compared this time
	Other                     map[string]int // effects of the account's own affairs, by Horizon's word for them
	FeesUnits                 int64          // paid for envelopes, added up this time; stroops
	Balances                  []BalanceReport
	Failure                   string // why it could not be compared
}

// BalanceReport is one balance, in units of 10^-7.
type BalanceReport struct {
	Asset  store.AssetName
	Books  int64 // what was held in the beginning and everything that moved since
	Ledger int64 // what the network says
}

// errBehind says that the endpoint has not seen yet what another one, or the watcher, has told of.
var errBehind = errors.New("the network's endpoint is behind what was seen before; try again in a moment")

// UnknownHistoryError says that operations which were never compared are not kept by the source any more.
type UnknownHistoryError struct {
	Account     string
	First, Last int64 // the ledgers that are missing
}

func (e *UnknownHistoryError) Error() string {
	return fmt.Sprintf("ledgers %d to %d were never compared and this Horizon no longer has them: set HORIZON_URI to one that keeps ledger %d, "+
		"or begin anew with what the account holds now: 'anchor reconcile --rebase %s --reason TEXT'", e.First, e.Last, e.First, e.Account)
}

// accountPass is one comparison of one account. One goroutine uses it.
type accountPass struct {
	*Reconciler
	cursor    store.Cursor
	state     store.Reconciliation
	standings map[store.AssetName]store.Standing
	created   bool // the account began to exist since FromLedger
	report    AccountReport
}

func (r *Reconciler) account(ctx context.Context, account string) (AccountReport, error) {
	p := &accountPass{Reconciler: r, report: AccountReport{Account: account, Other: map[string]int{}}}
	err := p.run(ctx)
	return p.report, err
}

func (p *accountPass) run(ctx context.Context) error {
	if err := p.open(ctx); err != nil {
		return err
	}
	if err := p.recheck(ctx); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{p.movements, p.fees, p.balances} {
		if err := patiently(ctx, part); err != nil {
			return err
		}
	}
	p.report.ThroughLedger = p.cursor.ThroughLedger
	return nil
}

// patiently does it again while an endpoint is behind. What was committed meanwhile is not done twice.
func patiently(ctx context.Context, part func(context.Context) error) error {
	const tries = 5
	for try := 1; ; try++ {
		err := part(ctx)
		if !errors.Is(err, errBehind) || try == tries || !worker.Sleep(ctx, time.Second) {
			return err
		}
	}
}

// open reads how far the account was read and compared, and begins where nobody has.
func (p *accountPass) open(ctx context.Context) error {
	c, err := p.db.CursorOf(ctx, p.report.Account)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.ThroughClosedUs == 0 {
		return errors.New("no watcher has read it to the head yet: is watch-transactions running?")
	}
	if err != nil {
		return err
	}
	p.cursor = c
	if err := verify(ctx, p.source, c); err != nil {
		return err
	}
	root, err := p.source.Root(ctx)
	if err != nil {
		return err
	}
	p.state, p.standings, err = p.db.Reconciliation(ctx, c.Account)
	if errors.Is(err, store.ErrNotFound) {
		err = p.begin(ctx, max(c.StartedLedger, root.Elder))
	}
	if err != nil {
		return err
	}
	p.report.FromLedger = p.state.FromLedger
	if p.state.Chain != c.Chain {
		return fmt.Errorf("it was compared with the network %q, and is read from %q now", p.state.Chain, c.Chain)
	}
	// The first ledgers of a network hold nothing, and a Horizon that keeps everything may begin with either.
	if first := p.state.ThroughLedger + 1; root.Elder > max(first, 2) {
		return &UnknownHistoryError{Account: c.Account, First: first, Last: root.Elder - 1}
	}
	return nil
}

func (p *accountPass) begin(ctx context.Context, from int64) error {
	p.standings = map[store.AssetName]store.Standing{}
	return p.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		p.state, err = tx.BeginReconciliation(ctx, p.cursor.Account, p.cursor.Chain, from)
		return err
	})
}

// behind is the position behind everything in a ledger.
func behind(ledger int64) int64 { return (ledger+1)<<ledgerShift - 1 }

// allOf is the place behind every effect of an operation. Horizon keeps the ordinal in 31 bits.
func allOf(operation int64) stellar.EffectPosition {
	return stellar.EffectPosition{Operation: operation, Index: math.MaxInt32}
}

// movements compares operation after operation with the books, to the ledger that the account has been seen through, page by page.
func (p *accountPass) movements(ctx context.Context) error {
	end := p.cursor.ThroughLedger
	return p.eachStep(ctx, p.state.Position, end, func(list []step, last bool) error {
		upTo := p.state.Position
		if n := len(list); n > 0 {
			upTo = list[n-1].operation
		}
		if last {
			upTo = max(upTo, behind(end))
		}
		return p.page(ctx, list, upTo)
	})
}

// eachStep hands on what operations behind a position did, to the end of a ledger, in order. The last call has the rest and says so.
func (p *accountPass) eachStep(ctx context.Context, after, ledger int64, do func(list []step, last bool) error) error {
	at, rest := allOf(after), []stellar.Effect(nil)
	for {
		page, err := p.source.Effects(ctx, p.cursor.Account, at, p.options.Limit)
		if err != nil {
			return fmt.Errorf("read its effects: %w", err)
		}
		if !page.Full && page.Through.Sequence < ledger {
			return errBehind
		}
		if page.Full && page.Position == at {
			return &PageError{"its effects are a full page that brings nothing"}
		}
		list, left, err := steps(append(rest, page.Effects...), !page.Full)
		if err != nil {
			return err
		}
		passed := false
		for len(list) > 0 && list[len(list)-1].ledger() > ledger {
			list, passed = list[:len(list)-1], true
		}
		last := passed || !page.Full
		if err := do(list, last); err != nil || last {
			return err
		}
		at, rest = page.Position, left
	}
}

// page compares a stretch of operations and commits what was found, and how far it got, together.
func (p *accountPass) page(ctx context.Context, list []step, upTo int64) error {
	booked, err := p.db.BookedBetween(ctx, p.cursor.Chain, p.cursor.Account, p.state.Position, upTo)
	if err != nil {
		return err
	}
	by := map[int64][]store.Booked{}
	for _, b := range booked {
		by[b.OperationID] = append(by[b.OperationID], b)
	}
	var found []store.Finding
	moved := sums{}
	for _, s := range list {
		if err := moved.addAll(s.net); err != nil {
			return err
		}
		p.created = p.created || s.created
		differences, err := p.differences(ctx, s, by[s.operation])
		if err != nil {
			return err
		}
		found = append(found, differences...)
		delete(by, s.operation)
	}
	for operation, rows := range by { // of which the ledger shows no effect at all
		differences, err := p.differences(ctx, step{operation: operation}, rows)
		if err != nil {
			return err
		}
		found = append(found, differences...)
	}
	p.report.Operations += len(list)
	next := p.state
	next.Position = upTo
	return p.commit(ctx, next, moved, found)
}

// differences compares one operation. Only where the sums do not say that all is well, the network is asked what it lists.
func (p *accountPass) differences(ctx context.Context, s step, booked []store.Booked) ([]store.Finding, error) {
	agrees, err := s.agrees(booked)
	if err != nil {
		return nil, err
	}
	if agrees {
		if len(booked) == 0 {
			p.own(s)
		}
		return nil, nil
	}
	network, kept, err := p.listing(ctx, s.operation)
	if err != nil {
		return nil, err
	}
	if !kept {
		return nil, &UnknownHistoryError{Account: p.cursor.Account, First: s.ledger(), Last: s.ledger()}
	}
	found := compare(p.cursor.Account, s.operation, network, booked)
	if len(found) == 0 {
		p.own(s)
	}
	return found, nil
}

// own counts an operation that is one of the account's own affairs: a trade, a claim, a clawback, money paid to itself.
func (p *accountPass) own(s step) {
	if len(s.net) == 0 {
		return
	}
	for _, kind := range s.kinds {
		p.report.Other[kind]++
	}
}

// listing is what the network lists of one operation; kept is false where it does not keep that ledger any more.
func (p *accountPass) listing(ctx context.Context, operation int64) (network []listed, kept bool, err error) {
	page, err := p.source.Payments(ctx, p.cursor.Account, operation-1, 1)
	if err != nil {
		return nil, false, fmt.Errorf("read operation %d: %w", operation, err)
	}
	for _, l := range page.Payments {
		if l.OperationID == operation {
			network = append(network, listed{l, false})
		}
	}
	for _, l := range page.Outgoing {
		if l.OperationID == operation {
			network = append(network, listed{l, true})
		}
	}
	return network, page.Elder <= operation>>ledgerShift, nil
}

// commit writes what moved, what was found and how far it got, together.
func (p *accountPass) commit(ctx context.Context, next store.Reconciliation, moved sums, found []store.Finding) error {
	standings := maps.Clone(p.standings)
	changed := map[store.AssetName]store.Standing{}
	for name, units := range moved {
		s := standings[name]
		var err error
		if s.Moved, err = store.Add(s.Moved, units); err != nil {
			return fmt.Errorf("what moved of %s: %w", name.Code, err)
		}
		standings[name], changed[name] = s, s
	}
	err := p.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, f := range found {
			if err := tx.Note(ctx, f); err != nil {
				return err
			}
		}
		var err error
		p.state, err = tx.MoveReconciliation(ctx, next, changed)
		return err
	})
	if err != nil {
		return err
	}
	p.standings = standings
	return nil
}

// fees takes what the account paid for envelopes, failed ones included, from what it holds of the network's own asset.
func (p *accountPass) fees(ctx context.Context) error {
	return p.eachFee(ctx, p.state.FeePosition, p.cursor.ThroughLedger, func(paid, position int64) error {
		next := p.state
		next.FeePosition = position
		moved := sums{}
		if err := moved.add(native(), -paid); err != nil {
			return err
		}
		p.report.FeesUnits += paid
		return p.commit(ctx, next, moved, nil)
	})
}

func native() store.AssetName { return store.AssetName{Code: stellar.NativeCode} }

// eachFee hands on what envelopes behind a position cost, to the end of a ledger, page by page, with the position reached.
func (p *accountPass) eachFee(ctx context.Context, after, ledger int64, do func(paid, position int64) error) error {
	end := behind(ledger)
	for {
		page, err := p.source.Fees(ctx, p.cursor.Account, after, p.options.Limit)
		if err != nil {
			return fmt.Errorf("read its fees: %w", err)
		}
		if !page.Full && page.Through.Sequence < ledger {
			return errBehind
		}
		if page.Full && page.Position <= after {
			return &PageError{"its envelopes are a full page that brings nothing"}
		}
		paid := int64(0)
		for _, f := range page.Fees {
			if f.Position > end {
				break
			}
			if paid, err = store.Add(paid, f.Units); err != nil {
				return err
			}
		}
		last := !page.Full || page.Position >= end
		if last {
			page.Position = end
		}
		if err := do(paid, page.Position); err != nil || last {
			return err
		}
		after = page.Position
	}
}
