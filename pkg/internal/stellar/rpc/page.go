package rpc

import (
	"context"
	"fmt"

	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// endOfLedger is what the part of a position below its ledger is when that ledger has been passed.
const endOfLedger = 1<<ledgerShift - 1

// Payments reads the page behind the position given (0: from the oldest ledger kept): a bounded number of ledgers, and of
// those no more transactions than bring limit (1 to stellar.MaxLimit) payments; the last transaction is always whole.
//
// The page's position is the beginning of what was not passed yet, in the numbers of SEP-35: a Horizon asked for what lies
// behind it goes on without loss or repetition, and so does this source behind a Horizon's. Through is the last ledger
// passed where there is no newer one. A position older than what the server keeps begins with the oldest ledger that it has,
// silently, as with a Horizon; Elder tells.
//
// A movement that cannot be understood becomes an unreadable Payment; a ledger that cannot be is an *AnswerError, for it
// may hold anything. *ChainError: the ledgers are not those of one history.
func (s *Source) Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error) {
	if err := checkAsked(account, after); err != nil {
		return stellar.Page{}, err
	}
	if limit < 1 || limit > stellar.MaxLimit {
		return stellar.Page{}, fmt.Errorf("rpc: the limit %d is not between 1 and %d", limit, stellar.MaxLimit)
	}
	found, err := s.ledgers.from(ctx, firstBehind(after))
	if err != nil {
		return stellar.Page{}, err
	}
	p := reading{account: account, after: after, limit: limit}
	p.Position, p.Elder = after, found.oldest
	for _, l := range found.ledgers {
		if !p.pass(l) {
			break
		}
	}
	p.finish(found.latest)
	return p.Page, nil
}

func checkAsked(account string, after int64) error {
	if !strkey.IsValidEd25519PublicKey(account) {
		return fmt.Errorf("rpc: %q is not the address of an account (G…)", stellar.Printable(account))
	}
	if after < 0 {
		return fmt.Errorf("rpc: the position %d is negative", after)
	}
	return nil
}

// firstBehind is the first ledger that may hold something behind a position. Ledgers are counted from 1.
func firstBehind(position int64) int64 {
	first := position >> ledgerShift
	if position&endOfLedger == endOfLedger {
		first++
	}
	return max(first, 1)
}

// Begin answers the position behind which to begin with an account that a Horizon's pages have brought to a position, and
// that was seen through a later ledger: a Horizon's position stays at the last payment, and reading all ledgers since then
// would take days where there were few. It goes back by more ledgers than one Horizon may have been behind the other that
// announced the newest. A position of this source's own is answered as it is.
func (s *Source) Begin(position, throughLedger int64) int64 {
	const margin = 128
	return max(position, (throughLedger+1-margin)<<ledgerShift)
}

// reading is a page under way.
type reading struct {
	stellar.Page
	account string
	after   int64
	limit   int
	last    *ledger // passed whole
	cut     bool    // there was no more room
}

// pass takes what a ledger tells of the account. It is false when the page has become full.
func (p *reading) pass(l *ledger) bool {
	for i := range l.transactions {
		t := &l.transactions[i]
		next := t.id + 1<<transactionShift
		if next <= p.after {
			continue
		}
		p.passTransaction(t, l)
		if len(p.Payments)+len(p.Outgoing) >= p.limit {
			p.Position, p.cut = next, true
			return false
		}
	}
	p.Position, p.last = (l.sequence+1)<<ledgerShift, l
	return true
}

func (p *reading) finish(latest stellar.Ledger) {
	p.Through = latest
	p.Full = p.cut || (p.last != nil && p.last.sequence < latest.Sequence)
	switch {
	case p.Full:
		p.Through.Hash = ""
	case p.last != nil:
		p.Through = p.last.public()
	}
}

func (p *reading) passTransaction(t *transaction, l *ledger) {
	for i := range t.operations {
		o := &t.operations[i]
		if t.id+o.number <= p.after {
			continue
		}
		index := 0
		for j := range o.movements {
			role := o.movements[j].roleOf(p.account)
			if role == stranger {
				continue
			}
			p.Records++
			p.add(t.payment(l, o, &o.movements[j]), index, role, &o.movements[j])
			index++
		}
	}
}

// add leaves out what moved nothing.
func (p *reading) add(found stellar.Payment, index int, in role, m *movement) {
	moved := m.arrived
	if in == sends {
		moved = m.sent
	}
	found.Account, found.Index = p.account, index
	found.AssetCode, found.AssetIssuer, found.Units = moved.code, moved.issuer, moved.units
	if m.doubt != "" {
		found.Units = 0
	}
	switch {
	case in == mentioned || (m.doubt == "" && found.Units == 0):
	case in == sends:
		p.Outgoing = append(p.Outgoing, found)
	default:
		p.Payments = append(p.Payments, found)
	}
}

// payment is a movement in what is the same for everybody who took part.
func (t *transaction) payment(l *ledger, o *operation, m *movement) stellar.Payment {
	return stellar.Payment{
		OperationID: t.id + o.number, Kind: o.kind,
		InnerHash: t.innerHash, OuterHash: t.outerHash,
		Ledger: l.sequence, ClosedAt: l.closedAt,
		From: m.from.address, FromMuxedID: m.from.muxedID, To: m.to.address, ToMuxedID: m.to.muxedID,
		MemoType: t.memoType, Memo: t.memo,
		Unreadable: m.doubt, Raw: m.raw,
	}
}
