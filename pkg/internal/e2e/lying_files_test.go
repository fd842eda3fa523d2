package e2e

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// accountColumn is what the files of payouts have besides what all have.
const accountColumn = "receiver.bank_account_number"

// fileRail writes files of payouts for a bank, and often does not say that it has.
func fileRail(l lies) (anchor.Rail, error) {
	rail, err := csvfile.New(csvfile.Options{Directory: l.orders(), Answers: l.answers(), Columns: []string{accountColumn}})
	rail.BatchMost, rail.BatchEvery = 8, 300*time.Millisecond
	rail.Batch = lyingBatches{rail.Batch, l}
	return rail, err
}

// The lies about a whole file.
const (
	batchErrorBefore lie = "a file not written: an error"
	batchErrorAfter  lie = "a file written: an error"
	batchLostAfter   lie = "a file written: no answer"
)

type lyingBatches struct {
	anchor.BatchRails
	lies lies
}

var errNoFile = errors.New("whether there is a file is not known")

func (b lyingBatches) ExecuteBatch(ctx context.Context, batch anchor.Batch) (anchor.BatchTaken, error) {
	told := b.lies.draw(rand.Float64(), 0.1, batchErrorBefore, batchErrorAfter, batchLostAfter)
	if told == batchErrorBefore {
		return anchor.BatchTaken{}, errNoFile
	}
	taken, err := b.BatchRails.ExecuteBatch(ctx, batch)
	switch told {
	case batchErrorAfter:
		return anchor.BatchTaken{}, errNoFile
	case batchLostAfter:
		<-ctx.Done()
		return anchor.BatchTaken{}, ctx.Err()
	default:
		return taken, err
	}
}

func (l lies) orders() string  { return filepath.Join(filepath.Dir(l.Books), "orders") }
func (l lies) answers() string { return filepath.Join(filepath.Dir(l.Books), "answers") }

// What a bank that takes files does with one payout.
const (
	fileRefused    lie = "a file's payout refused"
	fileReturned   lie = "a file's payout paid, and it comes back"
	fileSilent     lie = "a file's payout paid, and nothing is said of it for long"
	fileOpposite   lie = "a file's payout paid, and said to have failed"
	fileContradict lie = "a file's payout paid, said to be, and then said to have failed"
	fileTwice      lie = "a file's payout paid, and said to be three times"
	fileGarbage    lie = "a file's payout paid, among lines that nobody can read"
	fileHalf       lie = "a file's payout paid, the line about it written in two parts"
)

// fileBank pays every line of every file that is put before it, as often as it is there: it knows no keys.
type fileBank struct {
	lies
	t      *testing.T
	random *rand.Rand

	seen   map[string]bool // files that are still there
	files  int             // of answers
	later  []answerLine    // what is said when the time has come
	silent []answerLine    // what is said when nobody lies any more
}

// answerLine is a line of an answer, and when it is written.
type answerLine struct {
	at   time.Time
	line string
}

// run has a bank take files until the test ends.
func (b *fileBank) run() {
	b.t.Helper()
	for _, folder := range []string{b.orders(), b.answers()} {
		require.NoError(b.t, os.Mkdir(folder, 0o700))
	}
	b.seen = map[string]bool{}
	done := make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		look := time.NewTicker(50 * time.Millisecond)
		defer look.Stop()
		for {
			select {
			case <-done:
				return
			case <-look.C:
			}
			if err := b.turn(); err != nil {
				b.t.Errorf("the bank that takes files: %v", err)
				return
			}
		}
	})
	b.t.Cleanup(func() {
		close(done)
		working.Wait()
	})
}

// turn takes what is there and says what is to be said.
func (b *fileBank) turn() error {
	there, err := filepath.Glob(filepath.Join(b.orders(), "*.csv"))
	if err != nil {
		return err
	}
	for _, path := range there {
		if b.seen[path] {
			continue
		}
		b.seen[path] = true
		if err := b.take(path); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		if b.random.IntN(2) == 0 { // half of the files are taken away: what is there again is paid again
			delete(b.seen, path)
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return b.speak()
}

// take pays what is in a file.
func (b *fileBank) take(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return err
	}
	if columns := strings.Join(lines[0], ","); columns != "key,transaction_id,amount,asset,funding_method,"+accountColumn {
		return fmt.Errorf("the columns are %s", columns)
	}
	for _, line := range lines[1:] {
		if line[5] != "0042" {
			return fmt.Errorf("the recipient's account is %s", line[5])
		}
		if err := b.pay(line); err != nil {
			return err
		}
	}
	return nil
}

// pay pays one line, or refuses it, and prepares what will be said of it.
func (b *fileBank) pay(line []string) error {
	told := b.draw(b.random.Float64(), 0.04, fileRefused, fileReturned, fileSilent, fileOpposite, fileContradict, fileTwice, fileGarbage, fileHalf)
	now := time.Now().UTC()
	p := simulated.Payment{
		Key: anchor.PayoutKey(line[0]), TransactionID: line[1], Amount: line[2], Asset: line[3], ExternalID: "F-" + line[0][:8], At: now, DeliveredAt: now,
	}
	truth := line[0] + ",delivered," + p.ExternalID + ",\n"
	switch told {
	case fileRefused:
		p.Refused, p.DeliveredAt = true, time.Time{}
		truth = line[0] + ",failed,,the bank refuses the payout\n"
	case fileReturned:
		p.ReturnedAt = now.Add(1500 * time.Millisecond)
	default:
	}
	if err := b.book(p); err != nil {
		return err
	}
	soon := now.Add(time.Duration(b.random.IntN(600)) * time.Millisecond)
	failed := line[0] + ",failed,,the bank contradicts its ledger\n"
	switch told {
	case fileReturned:
		b.say(soon, truth)
		b.say(p.ReturnedAt, line[0]+",returned,,it came back\n")
	case fileSilent:
		b.silent = append(b.silent, answerLine{line: truth})
	case fileOpposite:
		b.say(soon, failed)
	case fileContradict:
		b.say(soon, truth)
		b.say(soon.Add(time.Second), failed)
	case fileTwice:
		b.say(soon, truth+truth)
		b.say(soon.Add(time.Second), truth)
	case fileGarbage:
		b.say(soon, "\"\n,,,,\n"+line[0]+",perhaps,,\nnobody's key,delivered,,\n"+truth+"\xff\xfe\n")
	case fileHalf:
		b.say(soon, truth[:len(truth)/2])
		b.say(soon.Add(time.Microsecond), truth[len(truth)/2:])
	default:
		b.say(soon, truth)
	}
	return nil
}

func (b *fileBank) say(at time.Time, line string) { b.later = append(b.later, answerLine{at, line}) }

// book writes a line of the bank's own ledger.
func (b *fileBank) book(p simulated.Payment) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(b.Books, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // which also unlocks it
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return err
}

// speak writes what is to be said by now, some lines of it into the present file of answers.
func (b *fileBank) speak() error {
	if b.over() {
		b.later, b.silent = append(b.later, b.silent...), nil
	}
	now := time.Now()
	var text strings.Builder
	rest := b.later[:0]
	for _, s := range b.later {
		if s.at.After(now) {
			rest = append(rest, s)
			continue
		}
		text.WriteString(s.line)
	}
	b.later = rest
	if text.Len() == 0 {
		return nil
	}
	return b.write(text.String())
}

// write appends to the present file of answers, in two parts, or begins another one.
func (b *fileBank) write(text string) error {
	if b.files == 0 || b.random.IntN(5) == 0 {
		b.files++
		text = "key,outcome,reference,reason\n" + text
	}
	file, err := os.OpenFile(filepath.Join(b.answers(), fmt.Sprintf("%04d.csv", b.files)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for _, part := range []string{text[:len(text)/2], text[len(text)/2:]} {
		if _, err := file.WriteString(part); err != nil {
			return err
		}
	}
	return nil
}
