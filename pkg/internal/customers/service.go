// Package customers is what may be done with SEP-12 customers: a sending anchor asks what is needed of somebody, gives
// values, has them erased; the business and operators decide.
//
// It promises that a customer is seen only by the sending anchor, and where the token names one the user, that registered it;
// that values are stored sealed before anybody judges them; and that values which changed after a decision are judged anew
// before the next payout leaves; that a file is what its content says it is; and that a verification code can be guessed at a
// few times only; that accounts without an agreement keep a little and no more. It must never put a value into a log, an error or an event, call the business while a
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
	refuseMuxed      bool
	retention        time.Duration
	fileBytes        int
	fileLifetime     time.Duration
	codeLifetime     time.Duration
	codesPerHour     int
	admit            func(context.Context, anchor.SendingAnchor) error
	quota            Quota
	checkCallbackURL func(url string) error
	now              func() time.Time
}

func defaults() options {
	return options{fileBytes: 4 << 20, fileLifetime: 24 * time.Hour, codeLifetime: 15 * time.Minute, codesPerHour: 5, now: time.Now}
}

// Option changes how a Service works.
type Option func(*options)

// RefuseMuxed refuses M… accounts (ENABLE_SEP_0023=0).
func RefuseMuxed() Option { return func(o *options) { o.refuseMuxed = true } }

// Retain keeps the sealed data of deleted customers with funded transactions that long after their deletion. They are
// hidden at once all the same.
func Retain(d time.Duration) Option { return func(o *options) { o.retention = d } }

// FileBytes bounds a photo or document; without it, and with 0, 4 MiB are taken.
func FileBytes(n int) Option {
	return func(o *options) {
		if n > 0 {
			o.fileBytes = n
		}
	}
}

// FileLifetime is how long a file waits for the customer who takes it over; without it a day. 0 changes nothing.
func FileLifetime(d time.Duration) Option {
	return func(o *options) {
		if d > 0 {
			o.fileLifetime = d
		}
	}
}

// CodeLifetime is how long a verification code counts; without it a quarter of an hour. 0 changes nothing.
func CodeLifetime(d time.Duration) Option {
	return func(o *options) {
		if d > 0 {
			o.codeLifetime = d
		}
	}
}

// CodesPerHour is how many verification codes a field is sent within an hour; its value is not taken anew beyond that.
// Without it, and with 0, five.
func CodesPerHour(n int) Option {
	return func(o *options) {
		if n > 0 {
			o.codesPerHour = n
		}
	}
}

// CheckCallbackURL refuses an address that must not be called; its error is shown to the sending anchor. Without it
// callbacks are not supported.
func CheckCallbackURL(check func(url string) error) Option {
	return func(o *options) { o.checkCallbackURL = check }
}

// Clock replaces time.Now, by which Sweep tells what was left lying.
func Clock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// New makes the service. log gets what goes wrong where nobody waits for an answer; nil: discarded.
func New(db *store.DB, integration anchor.CustomerIntegration, log *slog.Logger, opts ...Option) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Service{db: db, integration: integration, log: log, options: defaults()}
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
