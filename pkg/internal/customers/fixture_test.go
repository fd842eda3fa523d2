package customers_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const (
	sender   = "sep31-sender"
	receiver = "sep31-receiver"
)

// business is a CustomerIntegration for tests: it accepts whoever is complete unless told otherwise.
type business struct {
	mu      sync.Mutex
	types   map[string]map[string]anchor.Field
	demands func(about *anchor.Transaction) map[string]anchor.Field // besides those of the type
	langs   []string
	put     func(anchor.CustomerPut) (anchor.Verdict, error)
	delete  func(anchor.CustomerDelete) error
	judged  []anchor.CustomerPut
	deleted []string
}

func newBusiness() *business {
	return &business{types: map[string]map[string]anchor.Field{
		sender: {
			"first_name": {Description: "given name"},
			"last_name":  {Description: "family name"},
			"birth_date": {Description: "day of birth", Optional: true},
			"sex":        {Description: "sex", Choices: []string{"male", "female", "other"}, Optional: true},
		},
		receiver: {
			"first_name":          {Description: "given name"},
			"bank_account_number": {Description: "number of the account"},
			"photo_id_front":      {Description: "photo of the document", Optional: true},
		},
	}}
}

func (b *business) Get(_ context.Context, r anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	if r.Type == "" {
		r.Type = sender
	}
	fields, ok := b.types[r.Type]
	if !ok {
		return anchor.CustomerRequirements{}, anchor.Refuse("'type' is unknown")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.langs = append(b.langs, r.Lang)
	if r.Transaction != nil && b.demands != nil {
		fields = maps.Clone(fields)
		maps.Copy(fields, b.demands(r.Transaction))
	}
	return anchor.CustomerRequirements{Type: r.Type, Fields: fields}, nil
}

func (b *business) Put(_ context.Context, p anchor.CustomerPut) (anchor.Verdict, error) {
	b.mu.Lock()
	b.judged = append(b.judged, p)
	answer := b.put
	b.mu.Unlock()
	if answer != nil {
		return answer(p)
	}
	return anchor.Verdict{Type: p.Type, Status: anchor.CustomerAccepted}, nil
}

func (b *business) Delete(_ context.Context, d anchor.CustomerDelete) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.delete != nil {
		if err := b.delete(d); err != nil {
			return err
		}
	}
	b.deleted = append(b.deleted, d.ID)
	return nil
}

func (b *business) answer(put func(anchor.CustomerPut) (anchor.Verdict, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put = put
}

func (b *business) calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.judged)
}

func verdict(status anchor.CustomerStatus, message string) func(anchor.CustomerPut) (anchor.Verdict, error) {
	return func(p anchor.CustomerPut) (anchor.Verdict, error) {
		return anchor.Verdict{Type: p.Type, Status: status, Message: message}, nil
	}
}

var errDown = errors.New("the KYC provider is down")

func down(anchor.CustomerPut) (anchor.Verdict, error) { return anchor.Verdict{}, errDown }

// desk is a service with a business behind it.
type desk struct {
	testing.TB
	db       *store.DB
	business *business
	*customers.Service
}

func newDesk(t testing.TB, db *store.DB, options ...customers.Option) *desk {
	b := newBusiness()
	return &desk{t, db, b, customers.New(db, b, nil, options...)}
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newDesk(t, db)) })
}

// account makes the address of a sending anchor.
func account() string { return keypair.MustRandom().Address() }

func plain(account string) anchor.SendingAnchor { return anchor.SendingAnchor{Account: account} }

func withMemo(account, memo string) anchor.SendingAnchor {
	return anchor.SendingAnchor{Account: account, MemoType: "id", Memo: memo}
}

// muxed is a caller whose token names the M… account of the number.
func muxed(t testing.TB, account string, number uint64, memo string) anchor.SendingAnchor {
	return anchor.SendingAnchor{Account: account, MemoType: "id", Memo: memo, Muxed: muxedAddress(t, account, number)}
}

func muxedAddress(t testing.TB, account string, number uint64) string {
	var m strkey.MuxedAccount
	require.NoError(t, m.SetAccountID(account))
	m.SetID(number)
	address, err := m.Address()
	require.NoError(t, err)
	return address
}

// photo is what begins like a PNG image and is so many bytes long, at least 8.
func photo(size int) []byte {
	data := make([]byte, size)
	copy(data, "\x89PNG\r\n\x1a\n")
	return data
}

// adaSender are the values that make a sender complete, adaReceiver those of a receiver.
func adaSender() map[string]string {
	return map[string]string{"first_name": "Ada", "last_name": "Lovelace"}
}

func adaReceiver() map[string]string {
	return map[string]string{"first_name": "Ada", "bank_account_number": "DE02120300000000202051"}
}

func (d *desk) mustPut(who anchor.SendingAnchor, p customers.Put) string {
	d.Helper()
	id, err := d.Put(d.Context(), who, p)
	require.NoError(d, err)
	require.NotEmpty(d, id)
	return id
}

func (d *desk) mustGet(who anchor.SendingAnchor, q customers.Query) customers.View {
	d.Helper()
	v, err := d.Get(d.Context(), who, q)
	require.NoError(d, err)
	return v
}

// register puts a complete sender and returns its id.
func (d *desk) register(who anchor.SendingAnchor) string {
	d.Helper()
	return d.mustPut(who, customers.Put{Values: adaSender()})
}

func (d *desk) requireCode(code anchor.Code, err error) {
	d.Helper()
	require.Error(d, err)
	require.Equal(d, code, anchor.CodeOf(err), "%v", err)
}

func (d *desk) history(id string) []store.Event {
	d.Helper()
	events, err := d.db.History(d.Context(), store.SubjectCustomer, id)
	require.NoError(d, err)
	return events
}
