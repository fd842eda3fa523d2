package anchor

import (
	"context"
	"time"

	"github.com/anchorkit/anchor/pkg/money"
)

// Rail is a way to pay and what may be relied on about it.
type Rail struct {
	Rails
	// NotKnownFinalAfter: when the rail answers NotKnown for an attempt last sent that long ago, it will never make it. Zero:
	// never to be concluded; an operator decides.
	NotKnownFinalAfter time.Duration
	// SameKeySafeFor: the rail recognises a resend of a key at least that long after the first sending. Zero: no resend.
	SameKeySafeFor time.Duration
	// Batch is set for a rail that takes many payouts at once, as banks do that take files: ExecuteOutgoing is not called then,
	// PollOutgoing is, also without any payout from time to time, so that it can tell what nobody asked about. nil: one at a time.
	Batch BatchRails
	// BatchMost is how many payouts are in a batch at most; 0: 1000. BatchEvery is how long to collect before a batch is made
	// where the calendar has no cut-offs; 0: a minute.
	BatchMost  int
	BatchEvery time.Duration
	// Limits bound what the rail is asked to do, by all processes together.
	Limits Limits
	// Calendar says when the rail takes payouts; its zero value: always.
	Calendar Calendar
}

// BatchRails takes many payouts at once, as a bank does that takes files.
type BatchRails interface {
	// ExecuteBatch hands a batch over. What it hands over follows from the batch alone, and is named by it, so that doing it
	// again has no other effect than doing it once: a process may end before it has recorded that the batch was handed over,
	// and then the same batch comes again, byte for byte. After nil every payout of the batch counts as accepted, and
	// PollOutgoing is asked about each. An error means that the batch may or may not have been handed over: it comes again,
	// and no other batch of the rail before it.
	ExecuteBatch(context.Context, Batch) (BatchTaken, error)
}

// Batch is payouts that are handed over together. Each key is in one batch only, for ever.
type Batch struct {
	// Name is unique, and fit for the name of a file: the rail's name, the number and eight hex digits of a hash of the payouts.
	// The hash keeps it unique when a database that was restored from an older copy counts a number once more.
	Name    string
	Rail    string    // its name
	Number  int64     // counts from 1 for each rail, without gaps
	CutOff  time.Time // at which it was closed
	Payouts []Payout  // oldest first
}

// BatchTaken says that a batch was handed over.
type BatchTaken struct {
	ExternalID string // the bank's reference of the batch; may be empty
}

// Limits bound what a rail is asked to do, by all processes together and by the database's clock. Zero values bound nothing.
type Limits struct {
	// CallsPerSecond bounds calls of ExecuteOutgoing, resends included: they begin at least so far apart. PollOutgoing asks about
	// many payouts at once and does not count.
	CallsPerSecond float64
	// InFlight is how many calls of ExecuteOutgoing may be without an answer; batches are bounded by neither of the two. A call whose
	// process lost its claim is over: its context has ended before.
	InFlight int
	// PerPayout and PerDay are amounts by SEP-38 asset id; what is not named is not bounded. A payout above the first, or above
	// the second by itself, waits for an operator; one above what is left of the day, which is one of the calendar's time zone,
	// waits for the next. What was tried counts for the day, whatever became of it: an attempt that failed gives nothing back.
	// One that is sent again under its key counts once, on the day of its first try.
	PerPayout, PerDay map[string]money.Amount
}

// Calendar says when a rail takes payouts. Its zero value: always.
type Calendar struct {
	Location *time.Location // nil: UTC
	Days     []time.Weekday // empty: every day
	// Opens and Closes are times of the day, as the clock on the wall shows them; Closes zero: at midnight.
	Opens, Closes ClockTime
	// CutOffs are the times of the day at which a batch is made, for rails that take batches; none: see Rail.BatchEvery.
	CutOffs  []ClockTime
	Holidays []string // days on which it takes none: 2026-12-25
}

// ClockTime is a time of the day in minutes since midnight, as the clock on the wall shows it.
type ClockTime int
