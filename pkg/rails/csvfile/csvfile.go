package csvfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Options say where the files are and what is in them.
type Options struct {
	// Directory is where a file for each batch is put, as NAME.csv with the name of the batch. It must exist. Only this rail
	// may write there; the bank, or whoever carries the files to it, may take them away.
	Directory string
	// Answers is where the bank's files are put that say what became of payouts; empty: nobody says, and payouts stay accepted
	// until the business reports them. It must exist, and must not be Directory. See the columns named at New.
	Answers string
	// Columns are those of the files after FixedColumns: sender.NAME and receiver.NAME for a value of a customer by its SEP-9
	// name, fields.NAME for a field of the transaction. What a payout does not have is left empty: the bank will say so.
	Columns []string
	// Log is told of lines of the bank that cannot be read and of contradictions, by file and line; nil: nobody.
	Log *slog.Logger
	// Now is this host's clock; nil: the clock. It only decides when a last line without an end counts as written.
	Now func() time.Time
}

// FixedColumns are the first columns of every file.
func FixedColumns() []string {
	return []string{"key", "transaction_id", "amount", "asset", "funding_method"}
}

// New makes the rail. Its limits, calendar and sizes of batches are for the caller to set. It declares neither
// NotKnownFinalAfter nor SameKeySafeFor: the bank's files never say that a key is not known.
//
// The bank's files end in .csv (others are passed over: write under another name, then rename), have a first line that names
// their columns, and one payout in a line: key and outcome (delivered, failed or returned) must be there, reference and reason
// may, others are passed over. Values may be quoted (RFC 4180), without line breaks. Lines may be added to a file, which is read
// on from where it ended before. When several lines speak of a key the one that was read last counts; files that are there at
// the first look are read from the oldest to the newest. What was said in a file is forgotten when it is taken away, so take away
// those that are old: the rail remembers some hundred bytes for each line.
func New(o Options) (anchor.Rail, error) {
	if err := o.check(); err != nil {
		return anchor.Rail{}, fmt.Errorf("a rail of CSV files: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the clock that a test can replace
	}
	o.Columns = slices.Clone(o.Columns)
	r := &rail{o: o, answers: newAnswers(o)}
	return anchor.Rail{Rails: r, Batch: r}, nil
}

func (o Options) check() error {
	var faults []error
	if err := isFolder("directory", o.Directory); err != nil {
		faults = append(faults, err)
	}
	if o.Answers != "" {
		if err := isFolder("folder of answers", o.Answers); err != nil {
			faults = append(faults, err)
		} else if sameFolder(o.Directory, o.Answers) {
			faults = append(faults, errors.New("the answers of the bank need a folder of their own"))
		}
	}
	for i, column := range o.Columns {
		if _, ok := sourceOf(column); !ok {
			faults = append(faults, fmt.Errorf("column %q is none of sender.NAME, receiver.NAME and fields.NAME", column))
		}
		if slices.Contains(o.Columns[:i], column) {
			faults = append(faults, fmt.Errorf("column %q is there twice", column))
		}
	}
	return errors.Join(faults...)
}

func isFolder(what, path string) error {
	if path == "" {
		return fmt.Errorf("the %s is not named", what)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the %s: %w", what, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the %s %s is a file", what, path)
	}
	return nil
}

func sameFolder(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false // reported already
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// rail is safe for concurrent use.
type rail struct {
	o Options

	mu      sync.Mutex
	answers *answers
}

// ExecuteOutgoing refuses: this rail takes batches.
func (r *rail) ExecuteOutgoing(context.Context, anchor.Payout) (anchor.Outcome, error) {
	return anchor.NotSent("this rail takes batches, not single payouts"), nil
}

// ExecuteBatch writes the file of a batch unless that was done before. It ends with an error, and without having done anything
// more, where a file of this name was made of something else, or has been changed since.
func (r *rail) ExecuteBatch(ctx context.Context, b anchor.Batch) (anchor.BatchTaken, error) {
	if err := handOver(ctx, r.o.Directory, b.Name, contents(r.o.Columns, b.Payouts)); err != nil {
		return anchor.BatchTaken{}, fmt.Errorf("batch %q: %w", b.Name, err)
	}
	return anchor.BatchTaken{ExternalID: b.Name}, nil
}

// PollOutgoing answers from the bank's files. Of money that came back after it was delivered it tells once without being asked.
func (r *rail) PollOutgoing(ctx context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	if r.o.Answers == "" {
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.answers.read(ctx); err != nil {
		return nil, fmt.Errorf("answers of the bank: %w", err)
	}
	return r.answers.about(open), nil
}

// contents are the bytes of a file: RFC 4180, one line for each payout after the names of the columns.
func contents(columns []string, payouts []anchor.Payout) []byte {
	out := row(nil, append(FixedColumns(), columns...))
	for _, p := range payouts {
		values := []string{string(p.Key), p.TransactionID, p.Amount, p.Asset, p.FundingMethod}
		for _, column := range columns {
			value := ""
			if source, ok := sourceOf(column); ok {
				value = source(p)
			}
			values = append(values, value)
		}
		out = row(out, values)
	}
	return out
}

// row appends a line. Values stay byte for byte what they are, line breaks included, which encoding/csv would change.
func row(out []byte, values []string) []byte {
	for i, value := range values {
		if i > 0 {
			out = append(out, ',')
		}
		if strings.ContainsAny(value, "\",\r\n") || strings.TrimSpace(value) != value {
			value = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
		}
		out = append(out, value...)
	}
	return append(out, '\r', '\n')
}

// sourceOf tells where the values of a column come from.
func sourceOf(column string) (func(anchor.Payout) string, bool) {
	side, name, _ := strings.Cut(column, ".")
	if name == "" || strings.ContainsAny(name, "\r\n") {
		return nil, false
	}
	switch side {
	case "sender":
		return func(p anchor.Payout) string { return p.Sender.Value(name) }, true
	case "receiver":
		return func(p anchor.Payout) string { return p.Receiver.Value(name) }, true
	case "fields":
		return func(p anchor.Payout) string { return p.Fields[name] }, true
	default:
		return nil, false
	}
}
