package sandbox

import (
	"net/http"
	"strconv"

	"github.com/stellar/go-stellar-sdk/strkey"
)

type listKind int

const (
	paymentList listKind = iota
	transactionList
	ledgerList
)

// listing is a list of records: of one account, or of the network.
type listing struct {
	kind    listKind
	account *accountID
}

// read takes a part of a list; n.mu is not held.
func (n *Network) read(l listing, q query) ([]record, *problem) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	transactions, payments := n.transactions, n.payments
	if l.account != nil {
		if n.accounts[*l.account] == nil {
			return nil, notFound()
		}
		transactions, payments = nil, nil
		if h := n.histories[*l.account]; h != nil {
			transactions, payments = h.transactions, h.payments
		}
	}
	if q.descending && q.cursorText != "" && q.cursor < int64(n.elder)<<32 {
		return nil, beforeHistory()
	}
	switch l.kind {
	case paymentList:
		return pick(payments, q, n.elder), nil
	case transactionList:
		return pick(transactions, q, n.elder), nil
	default:
		return pick(n.ledgers, q, n.elder), nil
	}
}

// list answers with a page, or with a stream if that is what the client accepts.
func (n *Network) list(kind listKind) handler {
	return func(x *exchange) *problem {
		l := listing{kind: kind}
		if text := x.r.PathValue("account"); text != "" {
			id, p := readAccount(text)
			if p != nil {
				return p
			}
			l.account = &id
		}
		q, p := readQuery(x.r, n.latestSequence())
		if p != nil {
			return p
		}
		if x.streaming {
			return n.stream(x, l, q)
		}
		return n.page(x, l, q)
	}
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
		first = strconv.FormatInt(records[0].position(), 10)
		last = strconv.FormatInt(records[len(records)-1].position(), 10)
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
