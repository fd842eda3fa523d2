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

// Payments reads the page behind the position given (0: from the beginning), at most limit (1 to MaxLimit) records.
//
// One record that cannot be understood becomes an unreadable Payment. What Horizon has to be asked for besides the page
// (the amount of a merge) and cannot tell now ends the page before that record; it is an error only for the first one.
func (h *Horizon) Payments(ctx context.Context, account string, after int64, limit int) (Page, error) {
	if err := checkAsked(account, after); err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > MaxLimit {
		return Page{}, fmt.Errorf("stellar: the limit %d is not between 1 and %d", limit, MaxLimit)
	}
	// First: what is announced before the page is read is on the page.
	root, err := h.ownRoot(ctx)
	if err != nil {
		return Page{}, err
	}
	records, limit, err := h.pageWithin(ctx, account, after, limit)
	if err != nil {
		return Page{}, err
	}
	page, err := h.settle(ctx, account, after, records)
	if err != nil {
		return Page{}, err
	}
	page.Full = page.Full || records.seen >= limit
	page.Through, page.Elder = root.Latest, root.Elder
	if !page.Full {
		page.Through.Hash = h.hashOf(ctx, root.Latest.Sequence)
	}
	return page, nil
}

func checkAsked(account string, after int64) error {
	if !strkey.IsValidEd25519PublicKey(account) {
		return fmt.Errorf("stellar: %q is not the address of an account (G…)", printable(account))
	}
	if after < 0 {
		return fmt.Errorf("stellar: the position %d is negative", after)
	}
	return nil
}

func paymentsPath(account string) string { return "/accounts/" + account + "/payments" }

// pageWithin asks for fewer records while the page is larger than the bound, and answers the limit that held.
func (h *Horizon) pageWithin(ctx context.Context, account string, after int64, limit int) (pageRecords, int, error) {
	for {
		body, err := h.getBody(ctx, paymentsPath(account), url.Values{
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
func (h *Horizon) hashOf(ctx context.Context, sequence int64) string {
	if sequence <= 0 {
		return ""
	}
	l, err := h.Ledger(ctx, sequence)
	if err != nil {
		h.log.DebugContext(ctx, "no hash of the ledger seen through", slog.Int64("ledger", sequence), slog.Any("error", err))
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
		return pageRecords{}, &AnswerError{err.Error()}
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
func (h *Horizon) settle(ctx context.Context, account string, after int64, records pageRecords) (Page, error) {
	page := Page{Records: len(records.positions), Full: records.cut}
	for i := range records.movements {
		m := &records.movements[i]
		if err := h.complete(ctx, m); err != nil {
			if m.record == 0 {
				return Page{}, err
			}
			page.endBefore(m.record, records)
			h.log.WarnContext(ctx, "page of payments ends early", slog.String("account", account),
				slog.Int64("operation", m.OperationID), slog.Any("error", err))
			break
		}
		if payment, ok := m.settled(); ok {
			page.Payments = append(page.Payments, payment)
		}
	}
	page.Position = after
	if page.Records > 0 {
		page.Position = records.positions[page.Records-1]
	}
	return page, nil
}

// endBefore drops the record given and what came of it.
func (p *Page) endBefore(record int, records pageRecords) {
	p.Records, p.Full = record, true
	for n := len(p.Payments); n > 0 && p.Payments[n-1].OperationID >= records.positions[record]; n-- {
		p.Payments = p.Payments[:n-1]
	}
}

// complete asks for what the page did not tell. Its errors are of the moment; what will not get better is noted as doubt.
func (h *Horizon) complete(ctx context.Context, m *movement) error {
	if m.Unreadable == "" && m.needsMemo {
		if err := m.note(h.completeMemo(ctx, m)); err != nil {
			return err
		}
	}
	if m.Unreadable == "" && m.needsAmount {
		return m.note(h.completeAmount(ctx, m))
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

func (h *Horizon) completeMemo(ctx context.Context, m *movement) error {
	t, err := h.Transaction(ctx, m.OuterHash)
	if err != nil {
		return err
	}
	m.MemoType, m.Memo = t.MemoType, t.Memo
	m.InnerHash, m.OuterHash = t.InnerHash, t.OuterHash
	return nil
}

// completeAmount asks what a merge brought. Only its effects tell.
func (h *Horizon) completeAmount(ctx context.Context, m *movement) error {
	path := "/operations/" + strconv.FormatInt(m.OperationID, 10) + "/effects"
	var effects struct {
		Embedded struct {
			Records []effect `json:"records"`
		} `json:"_embedded"`
	}
	query := url.Values{"limit": {strconv.Itoa(MaxLimit)}, "order": {"asc"}}
	if err := h.get(ctx, path, query, &effects); err != nil {
		return err
	}
	var amounts []string
	for _, e := range effects.Embedded.Records {
		if e.credits(m.Account) {
			amounts = append(amounts, e.Amount)
		}
	}
	if len(amounts) != 1 {
		return named("GET "+path, &AnswerError{fmt.Sprintf("%d effects credit the account, not one", len(amounts))})
	}
	units, err := parseUnits([]byte(amounts[0]))
	if err != nil {
		return named("GET "+path, &AnswerError{err.Error()})
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

func (e effect) credits(account string) bool {
	return e.Type == "account_credited" && e.Account == account && e.AssetType == "native"
}
