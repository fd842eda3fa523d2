package stellar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// MaxLimit is the most records that Horizon puts on a page.
const MaxLimit = 200

func (e *endpoint) payments(ctx context.Context, account string, after int64, limit int) (Page, error) {
	if err := checkAsked(account, after); err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > MaxLimit {
		return Page{}, fmt.Errorf("stellar: the limit %d is not between 1 and %d", limit, MaxLimit)
	}
	// First: what is announced before the page is read is on the page.
	root, err := e.ownRoot(ctx)
	if err != nil {
		return Page{}, err
	}
	records, limit, err := e.pageWithin(ctx, account, after, limit)
	if err != nil {
		return Page{}, err
	}
	page, err := e.settle(ctx, account, after, records)
	if err != nil {
		return Page{}, err
	}
	page.Full = page.Full || records.seen >= limit
	page.Through = root.Latest
	if page.Elder, err = e.keptUntilNow(ctx, after, root.Elder); err != nil {
		return Page{}, err
	}
	if !page.Full {
		page.Through.Hash = e.hashOf(ctx, root.Latest.Sequence)
	}
	return page, nil
}

// retention is the number of ledgers of about a day. A Horizon that keeps at least so many before the position will not drop
// what lies behind it while a page is being read.
const retention = 24 * 3600 / 5

// keptUntilNow asks once more which ledgers are kept, where some may have been dropped while the page was read: a Horizon
// begins such a page silently with the oldest ledger that it still has.
func (e *endpoint) keptUntilNow(ctx context.Context, after, elder int64) (int64, error) {
	const first = 2 // the first ledger of a network holds no payments
	if elder <= first || after>>32-elder > retention {
		return elder, nil
	}
	root, err := e.ownRoot(ctx)
	return max(elder, root.Elder), err
}

func checkAsked(account string, after int64) error {
	if !strkey.IsValidEd25519PublicKey(account) {
		return fmt.Errorf("stellar: %q is not the address of an account (G…)", Printable(account))
	}
	if after < 0 {
		return fmt.Errorf("stellar: the position %d is negative", after)
	}
	return nil
}

func paymentsPath(account string) string { return "/accounts/" + account + "/payments" }

// pageWithin asks for fewer records while the page is larger than the bound, and answers the limit that held.
func (e *endpoint) pageWithin(ctx context.Context, account string, after int64, limit int) (pageRecords, int, error) {
	for {
		body, err := e.getBody(ctx, paymentsPath(account), url.Values{
			"cursor": {strconv.FormatInt(after, 10)},
			"limit":  {strconv.Itoa(limit)},
			"order":  {"asc"},
			"join":   {"transactions"},
		}, maxPageAnswer)
		if errors.Is(err, errTooLarge) && limit > 1 {
			limit = (limit + 1) / 2
			continue
		}
		if err != nil {
			return pageRecords{}, 0, err
		}
		records, err := decodePage(body, account, after)
		return records, limit, named("GET "+paymentsPath(account), err)
	}
}

// hashOf answers nothing where Horizon does not: no page fails for it.
func (e *endpoint) hashOf(ctx context.Context, sequence int64) string {
	if sequence <= 0 {
		return ""
	}
	l, err := e.ledger(ctx, sequence)
	if err != nil {
		e.log.DebugContext(ctx, "no hash of the ledger seen through", slog.Int64("ledger", sequence), slog.Any("error", err))
	}
	return l.Hash
}

// pageRecords is a decoded page before it is settled.
type pageRecords struct {
	seen      int     // records on the page, those given twice as well
	positions []int64 // of all records, ascending
	movements []movement
	cut       bool // there was more that could not be told apart
}

// decodePage reads the records behind the position given. A record without a position ends the page; it is an error if it
// comes first, for then nothing can be passed. So is an order that does not ascend.
func decodePage(body []byte, account string, after int64) (pageRecords, error) {
	s := &scanner{data: body}
	var records pageRecords
	found := false
	err := s.object(func(key []byte) error {
		if string(key) != "_embedded" {
			return s.skip()
		}
		return s.object(func(key []byte) error {
			if string(key) != "records" {
				return s.skip()
			}
			found = true
			records = pageRecords{}
			return s.list('[', ']', func() error { return records.add(s, account, after) })
		})
	})
	switch {
	case err != nil:
	case s.peek() != 0 || s.pos < len(s.data):
		err = errSyntax
	case !found:
		err = errors.New("it holds no records")
	case records.cut && len(records.positions) == 0:
		err = errors.New("its first record has no id")
	}
	if err != nil {
		return pageRecords{}, &AnswerError{Reason: err.Error()}
	}
	return records, nil
}

func (p *pageRecords) add(s *scanner, account string, after int64) error {
	p.seen++
	if p.cut {
		return s.skip()
	}
	r, err := readRecord(s)
	if err != nil {
		return err
	}
	position, ok := r.position()
	if !ok {
		p.cut = true
		return nil
	}
	last := after
	if n := len(p.positions); n > 0 {
		last = p.positions[n-1]
		if position == last {
			return nil // Horizon has been seen to give an operation twice
		}
	}
	if position <= last {
		return fmt.Errorf("record %d does not come after %d", position, last)
	}
	for _, m := range r.movements(account, position) {
		m.record = len(p.positions)
		p.movements = append(p.movements, m)
	}
	p.positions = append(p.positions, position)
	return nil
}

// settle asks for what the records do not tell and makes payments of them.
func (e *endpoint) settle(ctx context.Context, account string, after int64, records pageRecords) (Page, error) {
	page := Page{Records: len(records.positions), Full: records.cut}
	for i := range records.movements {
		m := &records.movements[i]
		if err := e.complete(ctx, m); err != nil {
			if m.record == 0 {
				return Page{}, err
			}
			page.endBefore(m.record, records)
			e.log.WarnContext(ctx, "page of payments ends early", slog.String("account", account),
				slog.Int64("operation", m.OperationID), slog.Any("error", err))
			break
		}
		page.add(m)
	}
	page.Position = after
	if page.Records > 0 {
		page.Position = records.positions[page.Records-1]
	}
	return page, nil
}

func (p *Page) add(m *movement) {
	payment, ok := m.settled()
	switch {
	case !ok:
	case m.outgoing:
		p.Outgoing = append(p.Outgoing, payment)
	default:
		p.Payments = append(p.Payments, payment)
	}
}

// endBefore drops the record given and what came of it.
func (p *Page) endBefore(record int, records pageRecords) {
	p.Records, p.Full = record, true
	p.Payments = before(p.Payments, records.positions[record])
	p.Outgoing = before(p.Outgoing, records.positions[record])
}

// before keeps what lies before a position.
func before(list []Payment, position int64) []Payment {
	n := len(list)
	for n > 0 && list[n-1].OperationID >= position {
		n--
	}
	return list[:n]
}

// complete asks for what the page did not tell. Its errors are of the moment; what will not get better is noted as doubt.
func (e *endpoint) complete(ctx context.Context, m *movement) error {
	if m.Unreadable == "" && m.needsMemo {
		if err := m.note(e.completeMemo(ctx, m)); err != nil {
			return err
		}
	}
	if m.Unreadable == "" && m.needsAmount {
		return m.note(e.completeAmount(ctx, m))
	}
	return nil
}

func (m *movement) note(err error) error {
	if err == nil || temporary(err) {
		return err
	}
	m.doubt(err)
	return nil
}

func (e *endpoint) completeMemo(ctx context.Context, m *movement) error {
	t, err := e.transaction(ctx, m.OuterHash)
	if err != nil {
		return err
	}
	m.MemoType, m.Memo = t.MemoType, t.Memo
	m.InnerHash, m.OuterHash = t.InnerHash, t.OuterHash
	return nil
}

// completeAmount asks what a merge brought, or took away. Only its effects tell.
func (e *endpoint) completeAmount(ctx context.Context, m *movement) error {
	path := "/operations/" + strconv.FormatInt(m.OperationID, 10) + "/effects"
	var effects struct {
		Embedded struct {
			Records []effect `json:"records"`
		} `json:"_embedded"`
	}
	query := url.Values{"limit": {strconv.Itoa(MaxLimit)}, "order": {"asc"}}
	if err := e.get(ctx, path, query, &effects); err != nil {
		return err
	}
	var amounts []string
	for _, e := range effects.Embedded.Records {
		if e.is(m) {
			amounts = append(amounts, e.Amount)
		}
	}
	if len(amounts) != 1 {
		return named("GET "+path, &AnswerError{Reason: fmt.Sprintf("%d effects %s the account, not one", len(amounts), m.effect())})
	}
	units, err := parseUnits([]byte(amounts[0]))
	if err != nil {
		return named("GET "+path, &AnswerError{Reason: err.Error()})
	}
	m.Units = units
	return nil
}

type effect struct {
	Type      string `json:"type"`
	Account   string `json:"account"`
	AssetType string `json:"asset_type"`
	Amount    string `json:"amount"`
}

// is tells whether the effect is that of the movement on the balance of its account.
func (e effect) is(m *movement) bool {
	return e.Type == "account_"+m.effect()+"ed" && e.Account == m.Account && e.AssetType == "native"
}

func (m *movement) effect() string {
	if m.outgoing {
		return "debit"
	}
	return "credit"
}
