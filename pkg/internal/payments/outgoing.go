package payments

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// departures is what a page told of money that left the account.
type departures struct {
	stored      int
	unexplained int // stored now, and neither a refund nor a transfer to ourselves
}

// recordOutgoing stores what left the account between from and to, each movement once, and tells the refunds of the account
// what they wait for: a movement of theirs, or how far the account has been read. A page on which nothing left costs nothing
// as long as it does not end at the network's head.
func (s *Service) recordOutgoing(ctx context.Context, tx *store.Tx, from, to store.Cursor, page stellar.Page) (departures, error) {
	var d departures
	list := between(page.Outgoing, from.Position, to.Position)
	if len(list) > 0 {
		var err error
		if d, err = s.storeOutgoing(ctx, tx, from, to, list); err != nil {
			return departures{}, err
		}
	}
	wake := d.stored > 0
	if !wake && to.ThroughLedger > from.ThroughLedger {
		var err error
		if wake, err = tx.RefundsAwaitLedger(ctx, from.Account); err != nil {
			return departures{}, err
		}
	}
	if wake {
		tx.Wake(store.TopicRefunds)
	}
	return d, s.point("sent")
}

// between leaves out what lies behind the position to which a page was cut: it is left to the next one.
func between(list []stellar.Payment, after, upTo int64) []stellar.Payment {
	for len(list) > 0 && list[0].OperationID <= after {
		list = list[1:]
	}
	for len(list) > 0 && list[len(list)-1].OperationID > upTo {
		list = list[:len(list)-1]
	}
	return list
}

func (s *Service) storeOutgoing(ctx context.Context, tx *store.Tx, from, to store.Cursor, list []stellar.Payment) (departures, error) {
	rows := make([]store.OutgoingMovement, len(list))
	for i := range list {
		rows[i] = outgoingRow(from.Chain, &list[i])
	}
	if err := s.explain(ctx, tx, rows); err != nil {
		return departures{}, err
	}
	stored, err := tx.InsertOutgoing(ctx, rows)
	if err != nil {
		return departures{}, err
	}
	if stored == len(rows) {
		return departures{stored, unexplained(rows)}, nil
	}
	// Some were stored before: that is well as long as they are the same.
	seen, err := tx.SeenOutgoing(ctx, from.Chain, from.Account, from.Position, to.Position)
	if err != nil {
		return departures{}, err
	}
	return departures{stored: stored}, sameOutgoing(from.Account, seen, list)
}

func unexplained(rows []store.OutgoingMovement) (n int) {
	for i := range rows {
		if rows[i].Explained == "" {
			n++
		}
	}
	return n
}

func sameOutgoing(account string, seen map[store.PaymentKey]store.SeenPayment, list []stellar.Payment) error {
	for i := range list {
		p := &list[i]
		stored, known := seen[keyOf(p)]
		unreadable := stored.InnerHash == "" || p.InnerHash == ""
		partly := stored.Units == 0 || p.Unreadable != ""
		if !known || unreadable || stored.InnerHash == p.InnerHash && (partly || stored.Units == p.Units) {
			continue
		}
		return &ConflictError{
			Account: account, OperationID: p.OperationID, Index: p.Index, StoredHash: stored.OuterHash, ReadHash: p.OuterHash,
			StoredU: stored.Units, ReadU: p.Units,
		}
	}
	return nil
}

// explain names the movements that are refunds of ours, and those to accounts of our own.
func (s *Service) explain(ctx context.Context, tx *store.Tx, rows []store.OutgoingMovement) error {
	hashes, accounts := make([]string, len(rows)), make([]string, len(rows))
	for i := range rows {
		hashes[i], accounts[i] = rows[i].InnerHash, rows[i].ToAccount
	}
	refunds, err := tx.RefundHashes(ctx, hashes)
	if err != nil {
		return err
	}
	own, err := tx.OwnAccounts(ctx, accounts)
	if err != nil {
		return err
	}
	for i := range rows {
		switch to := rows[i].ToAccount; {
		case refunds[rows[i].InnerHash]:
			rows[i].Explained = store.ExplainedByRefund
		case own[to] || s.options.Treasury != nil && s.options.Treasury(to):
			rows[i].Explained = store.ExplainedByTreasury
		}
	}
	return nil
}

func outgoingRow(chain string, p *stellar.Payment) store.OutgoingMovement {
	return store.OutgoingMovement{OutgoingMovement: sqlgen.OutgoingMovement{
		Chain: chain, Account: p.Account, OperationID: p.OperationID, Idx: int64(p.Index), Kind: p.Kind, InnerHash: p.InnerHash,
		OuterHash: p.OuterHash, Ledger: p.OperationID >> ledgerShift, ClosedUs: micros(p.ClosedAt), ToAccount: p.To, ToMuxedID: p.ToMuxedID,
		AssetCode: p.AssetCode, AssetIssuer: p.AssetIssuer, AmountUnits: p.Units, MemoType: p.MemoType, Memo: p.Memo,
		Reason: storable(p.Unreadable),
	}}
}

// checkOutgoing refuses pages whose outgoing movements do not lie behind the cursor, each after the other.
func checkOutgoing(from store.Cursor, page stellar.Page) error {
	last := store.PaymentKey{OperationID: from.Position, Index: -1}
	for i := range page.Outgoing {
		p := &page.Outgoing[i]
		key := keyOf(p)
		behind := key.OperationID > last.OperationID || key.OperationID == last.OperationID && key.Index > last.Index
		if p.Account != from.Account || key.OperationID <= from.Position || !behind {
			return &PageError{fmt.Sprintf("the outgoing operation %d (%d) of %s does not come after %d (%d) of %s",
				key.OperationID, key.Index, p.Account, last.OperationID, last.Index, from.Account)}
		}
		last = key
	}
	return nil
}

// tellOutgoing logs what left an account without a reason that is known.
func (s *Service) tellOutgoing(ctx context.Context, account string, d departures) {
	if d.unexplained > 0 {
		s.log.WarnContext(ctx, "money left the account and nothing here explains it: its refunds stop until an operator says why; see 'anchor refunds movements'",
			"account", account, "movements", d.unexplained)
	}
}
