package payments

import (
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// rowOf is the row of a payment as it was decided about.
func rowOf(chain string, p *stellar.Payment, t *store.Transaction, d Decision) store.Payment {
	row := store.Payment{Payment: sqlgen.Payment{
		ID: store.NewID(), Chain: chain, Account: p.Account, OperationID: p.OperationID, Idx: int64(p.Index), Kind: p.Kind,
		InnerHash: p.InnerHash, OuterHash: p.OuterHash, Ledger: p.Ledger, ClosedUs: micros(p.ClosedAt),
		FromAccount: p.From, FromMuxedID: p.FromMuxedID, ToMuxedID: p.ToMuxedID, AssetCode: p.AssetCode, AssetIssuer: p.AssetIssuer,
		AmountUnits: p.Units, MemoType: p.MemoType, Memo: p.Memo, Judgement: d.Judgement, State: d.State, Reason: d.Reason,
		Raw: string(p.Raw),
	}}
	if t != nil {
		row.BelongsTo(t.ID)
	}
	return row
}

// unreadableRow keeps a payment that cannot be stored as what it is. It claims nothing that the database might refuse.
func unreadableRow(chain string, p *stellar.Payment, why error) store.Payment {
	return store.Payment{Payment: sqlgen.Payment{
		Chain: chain, Account: p.Account, OperationID: p.OperationID, Idx: int64(p.Index), Kind: stellar.KindUnknown,
		InnerHash: storable(p.InnerHash), OuterHash: storable(p.OuterHash), Ledger: p.OperationID >> ledgerShift, ClosedUs: micros(p.ClosedAt),
		FromAccount: storable(p.From), Judgement: anchor.JudgedUnreadable, State: anchor.PaymentOpen,
		Reason: storable("it could not be applied: " + why.Error()), Raw: asReceived(p),
	}}
}

// asReceived is the record, or all that was understood of it where that was not kept.
func asReceived(p *stellar.Payment) string {
	if len(p.Raw) > 0 {
		return storable(string(p.Raw))
	}
	raw, err := jsonOf(p)
	if err != nil {
		return ""
	}
	return storable(raw)
}

// storable is text that both engines take.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// micros is 0 for a time that could not be read.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
