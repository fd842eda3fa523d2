// Package customers is what may be done with SEP-12 customers: a sending anchor asks what is needed of somebody, gives
// values, has them erased; the business and operators decide.
//
// It promises that a customer is seen only by the sending anchor, and where the token names one the user, that registered it;
// that values are stored sealed before anybody judges them; and that values which changed after a decision are judged anew
// before the next payout leaves. It must never put a value into a log, an error or an event, call the business while a
// database transaction is open, or take a rejection back because a sending anchor asks again. The SEP-12 handlers call it,
// transactions and payouts ask it about the people of a transaction, and operators decide through it.
package customers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Actors in the history of a customer. A status of PROCESSING by sendingAnchor was not judged yet.
const (
	sendingAnchor = "sending anchor"
	integration   = "integration"
	eraser        = "erasure"
)

// Service is safe for concurrent use.
type Service struct {
	db          *store.DB
	integration anchor.CustomerIntegration
	log         *slog.Logger
	options     options
}

type options struct {
	refuseMuxed bool
	retention   time.Duration
	now         func() time.Time
}

// Option changes how a Service works.
type Option func(*options)

// RefuseMuxed refuses M… accounts (ENABLE_SEP_0023=0).
func RefuseMuxed() Option { return func(o *options) { o.refuseMuxed = true } }

// Retain keeps the sealed data of deleted customers with funded transactions that long after their deletion. They are
// hidden at once all the same.
func Retain(d time.Duration) Option { return func(o *options) { o.retention = d } }

// Clock replaces time.Now, by which Sweep tells what was left lying.
func Clock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// New makes the service. log gets what goes wrong where nobody waits for an answer; nil: discarded.
func New(db *store.DB, integration anchor.CustomerIntegration, log *slog.Logger, opts ...Option) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Service{db: db, integration: integration, log: log, options: options{now: time.Now}}
	for _, option := range opts {
		option(&s.options)
	}
	return s
}

// known is a customer as it was read: the version first, so that values may be newer than it says but never older.
type known struct {
	row      store.Customer
	statuses map[string]store.CustomerStatus
	fields   map[string]store.CustomerField
	person   *anchor.Customer
}

// load reads all of a customer and opens its texts, with files its photos and documents as well.
func (s *Service) load(ctx context.Context, row store.Customer, files bool) (known, error) {
	statuses, err := s.db.StatusesOfCustomer(ctx, row.ID)
	if err != nil {
		return known{}, err
	}
	fields, err := s.db.FieldsOfCustomer(ctx, row.ID)
	if err != nil {
		return known{}, err
	}
	values, err := s.db.OpenCustomerFields(row, wanted(fields, files))
	if err != nil {
		return known{}, err
	}
	return known{row, statuses, fields, personOf(row, statuses, values)}, nil
}

func wanted(fields map[string]store.CustomerField, files bool) map[string]store.CustomerField {
	some := make(map[string]store.CustomerField, len(fields))
	for name, field := range fields {
		if files || !field.Binary() {
			some[name] = field
		}
	}
	return some
}

func personOf(row store.Customer, statuses map[string]store.CustomerStatus, values map[string]store.CustomerValue) *anchor.Customer {
	person := &anchor.Customer{
		ID: row.ID, Version: row.Version, Statuses: statusesOf(statuses), Values: make(map[string]string, len(values)),
	}
	for name, value := range values {
		person.Values[name] = asText(value)
	}
	return person
}

func statusesOf(rows map[string]store.CustomerStatus) map[string]anchor.CustomerStatus {
	statuses := make(map[string]anchor.CustomerStatus, len(rows))
	for customerType, row := range rows {
		statuses[customerType] = row.Status
	}
	return statuses
}

// refused turns "not found" into the one answer for what is not there and for what belongs to somebody else.
func refused(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return anchor.RefuseAs(anchor.CodeNotFound, "customer not found")
	}
	return err
}
