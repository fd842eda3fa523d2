package payments

import (
	"encoding/json"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// A position is ledger<<32 | transaction<<12 | operation (SEP-35).
const (
	ledgerShift      = 32
	transactionShift = 12
)

// Whole cuts a page back to whole Stellar transactions. A page that is full may end inside one, and its operations are
// decided about by their sum: they are left to the next page. A page that holds nothing else comes back unchanged, with
// whole false: more of it must be read before it can be applied.
func Whole(from int64, page stellar.Page) (cut stellar.Page, whole bool) {
	if !page.Full || len(page.Payments) == 0 {
		return page, true
	}
	last := page.Position >> transactionShift
	n := len(page.Payments)
	for n > 0 && page.Payments[n-1].OperationID>>transactionShift == last {
		n--
	}
	if n == len(page.Payments) {
		return page, true
	}
	// The position of a transaction itself lies before its first operation.
	position := last << transactionShift
	if position <= from {
		return page, false
	}
	page.Payments, page.Position = page.Payments[:n], position
	return page, true
}

// transactionsOf splits a page at the borders of Stellar transactions: together the parts are the page.
func transactionsOf(page stellar.Page) []stellar.Page {
	var parts []stellar.Page
	for n := 0; n < len(page.Payments); {
		end := n + 1
		for end < len(page.Payments) && page.Payments[end].OperationID>>transactionShift == page.Payments[n].OperationID>>transactionShift {
			end++
		}
		parts = append(parts, stellar.Page{
			Payments: page.Payments[n:end], Outgoing: page.Outgoing, Position: page.Payments[end-1].OperationID, Full: true, Elder: page.Elder,
		})
		n = end
	}
	if len(parts) == 0 {
		return []stellar.Page{page}
	}
	last := &parts[len(parts)-1]
	last.Position, last.Full, last.Through = page.Position, page.Full, page.Through
	return parts
}

// PageError says that a source gave a page that cannot be the one behind the position asked for.
type PageError struct{ Reason string }

func (e *PageError) Error() string { return "the source's page is refused: " + e.Reason }

// checkOrder refuses pages whose payments do not lie behind the cursor, up to the page's position, each after the other.
func checkOrder(from store.Cursor, page stellar.Page) error {
	if page.Position < from.Position {
		return &PageError{fmt.Sprintf("it ends at %d, before the position %d", page.Position, from.Position)}
	}
	last := store.PaymentKey{OperationID: from.Position, Index: -1}
	for i := range page.Payments {
		p := &page.Payments[i]
		key := keyOf(p)
		switch {
		case p.Account != from.Account:
			return &PageError{fmt.Sprintf("operation %d is of another account", p.OperationID)}
		case p.OperationID <= from.Position || p.OperationID > page.Position:
			return &PageError{fmt.Sprintf("operation %d does not lie between %d and %d", p.OperationID, from.Position, page.Position)}
		case key.OperationID < last.OperationID || key.OperationID == last.OperationID && key.Index <= last.Index:
			return &PageError{fmt.Sprintf("operation %d (%d) does not come after %d (%d)", key.OperationID, key.Index, last.OperationID, last.Index)}
		}
		last = key
	}
	return nil
}

func keyOf(p *stellar.Payment) store.PaymentKey {
	return store.PaymentKey{OperationID: p.OperationID, Index: int64(p.Index)}
}

func jsonOf(p *stellar.Payment) (string, error) {
	raw, err := json.Marshal(p)
	return string(raw), err
}
