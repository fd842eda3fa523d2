package sandbox

import (
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/stellar/go-stellar-sdk/strkey"
)

type listKind int

const (
	paymentList listKind = iota
	transactionList
	ledgerList
	effectList
)

// listing is a list of records: of one account, or of the network or a part of its history.
type listing struct {
	kind    listKind
	account *accountID
	part    span
}

// read takes a part of a list; n.mu is not held.
func (n *Network) read(l listing, q query) ([]record, *problem) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	h := &n.history
	if l.account != nil {
		h = n.histories[*l.account]
		if h == nil && n.accounts[*l.account] == nil {
			return nil, notFound()
		}
		if h == nil {
			h = &history{}
		}
	}
	if q.descending && q.cursorText != "" && q.cursor.id < int64(n.elder)<<32 {
		return nil, beforeHistory()
	}
	switch l.kind {
	case paymentList:
		return pick(within(h.payments, l.part), q, n.elder), nil
	case transactionList:
		return pick(within(h.transactions, l.part), q, n.elder), nil
	case effectList:
		return pick(within(h.effects, l.part), q, n.elder), nil
	default:
		return pick(n.ledgers, q, n.elder), nil
	}
}

// list answers with a page, or with a stream if that is what the client accepts.
func (n *Network) list(kind listKind) handler {
	return func(x *exchange) *problem {
		l := listing{kind: kind, part: everything()}
		if text := x.r.PathValue("account"); text != "" {
			id, p := readAccount(text)
			if p != nil {
				return p
			}
			l.account = &id
		}
		return n.answerList(x, l)
	}
}

// listWithin is list for a part of history that the path names.
func (n *Network) listWithin(kind listKind, part func(x *exchange) (span, *problem)) handler {
	return func(x *exchange) *problem {
		s, p := part(x)
		if p != nil {
			return p
		}
		return n.answerList(x, listing{kind: kind, part: s})
	}
}

func (n *Network) answerList(x *exchange, l listing) *problem {
	q, p := readQuery(x.r, n.faults.now(n.latestSequence()), l.kind == effectList)
	if p != nil {
		return p
	}
	if x.streaming {
		return n.stream(x, l, q)
	}
	return n.page(x, l, q)
}

func (n *Network) partOfLedger(x *exchange) (span, *problem) {
	l, p := n.findLedger(x)
	if p != nil {
		return span{}, p
	}
	return ledgerSpan(l.sequence), nil
}

func (n *Network) partOfTransaction(x *exchange) (span, *problem) {
	t, _, p := n.findTransaction(x)
	if p != nil {
		return span{}, p
	}
	return transactionSpan(t.id), nil
}

// partOfOperation does not look whether there is such an operation; no more does a real Horizon.
func partOfOperation(x *exchange) (span, *problem) {
	id, ok := readNumber(x.r.PathValue("operation"))
	if !ok || id < 0 {
		return span{}, badRequest("op_id", "Operation ID must be an integer higher than 0")
	}
	return operationSpan(id), nil
}

// findTransaction also returns the hash that was asked for.
func (n *Network) findTransaction(x *exchange) (*transaction, [32]byte, *problem) {
	raw, err := hex.DecodeString(x.r.PathValue("hash"))
	if err != nil || len(raw) != 32 {
		return nil, [32]byte{}, badRequest("tx_id", "Transaction hash must be a 64-character hexadecimal string")
	}
	hash := [32]byte(raw)
	n.mu.RLock()
	defer n.mu.RUnlock()
	t := n.byHash[hash]
	if t == nil || t.ledger.sequence < n.elder {
		return nil, hash, notFound()
	}
	return t, hash, nil
}

func (n *Network) findLedger(x *exchange) (*closedLedger, *problem) {
	sequence, err := strconv.ParseUint(x.r.PathValue("sequence"), 10, 31)
	if err != nil {
		return nil, badRequest("ledger_id", "Ledger ID must be an integer higher than 0")
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	switch {
	case sequence < uint64(n.elder):
		return nil, beforeHistory()
	case sequence > uint64(len(n.ledgers)):
		return nil, notFound()
	}
	return n.ledgers[sequence-1], nil
}

func (n *Network) page(x *exchange, l listing, q query) *problem {
	records, problem := n.read(l, q)
	if problem != nil {
		return problem
	}
	x.answer(http.StatusOK, func(p *printer) {
		p.open('{')
		printPageLinks(p, x.r.URL.EscapedPath(), q, records)
		p.object("_embedded")
		p.list("records")
		for _, r := range records {
			p.item()
			r.print(p, q.join)
		}
		p.close(']')
		p.close('}')
		p.close('}')
	})
	return nil
}

func printPageLinks(p *printer, path string, q query, records []record) {
	first, last := q.cursorText, q.cursorText
	if len(records) > 0 {
		first, last = records[0].position().text(), records[len(records)-1].position().text()
	}
	p.object("_links")
	p.link("self", path, q.link(q.cursorText, q.descending))
	p.link("next", path, q.link(last, q.descending))
	p.link("prev", path, q.link(first, !q.descending))
	p.close('}')
}

func (n *Network) latestSequence() uint32 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.latest().sequence
}

func readAccount(text string) (accountID, *problem) {
	raw, err := strkey.Decode(strkey.VersionByteAccountID, text)
	if err != nil || len(raw) != len(accountID{}) {
		return accountID{}, badRequest("account_id", "Account ID must start with `G` and contain 56 alphanum characters")
	}
	return accountID(raw), nil
}
