package csvfile

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	lineMost    = 16 << 10    // bytes of a line
	fileMost    = 256 << 20   // bytes of a file
	valueMost   = 500         // bytes that are kept of a reference or a reason
	complaints  = 20          // bad lines of a file that are named
	lookAround  = 1000        // lines between two looks at the context
	settledFrom = time.Minute // without a change, a last line without an end counts as written
)

// answerFile is one file of the bank, and how far it was read.
type answerFile struct {
	name    string
	info    fs.FileInfo // when it was last looked at
	columns columns
	offset  int64 // behind the last line that was read
	line    int   // its number
	bad     int   // lines that could not be read
	useless bool  // nothing more can be read from it
}

// columns are where the values are in a line; -1 for those that the file does not have.
type columns struct{ key, outcome, reference, reason int }

// readFile reads on where the file ended before, or anew if it is another file.
func (a *answers) readFile(ctx context.Context, info fs.FileInfo) error {
	f := a.files[info.Name()]
	switch {
	case f == nil:
	case f.isOther(info):
		a.forget(map[*answerFile]bool{f: true})
		f = nil
	case f.useless || f.offset == info.Size():
		return nil
	}
	if f == nil {
		f = &answerFile{name: info.Name(), info: info}
		a.files[f.name] = f
	}
	if info.Size() > fileMost {
		a.giveUp(f, fmt.Sprintf("it has more than %d bytes", fileMost))
		return nil
	}
	f.info = info
	err := a.readOn(ctx, f, info)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // taken away just now
	}
	return err
}

// isOther tells whether another file has the name now, or this one was written anew.
func (f *answerFile) isOther(info fs.FileInfo) bool {
	same := info.Size() > f.info.Size() || info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime())
	return !os.SameFile(f.info, info) || info.Size() < f.offset || !same
}

func (a *answers) giveUp(f *answerFile, why string) {
	if !f.useless {
		a.o.Log.Error("a file of the bank cannot be read", "file", f.name, "reason", why)
	}
	f.useless = true
}

// readOn reads the lines that are whole. A last line without an end may still be being written, unless nobody has touched the
// file for a while.
func (a *answers) readOn(ctx context.Context, f *answerFile, info fs.FileInfo) (err error) {
	file, err := os.Open(filepath.Join(a.o.Answers, f.name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Seek(f.offset, io.SeekStart); err != nil {
		return err
	}
	settled := a.o.Now().Sub(info.ModTime()) > settledFrom
	in := bufio.NewReaderSize(io.LimitReader(file, fileMost), lineMost)
	for n := 0; !f.useless; n++ {
		if n%lookAround == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, size, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if errors.Is(err, io.EOF) && (size == 0 || !settled) {
			return nil
		}
		f.offset += size
		f.line++
		a.take(f, line)
	}
	return nil
}

// readLine reads a line with its end; of one that is too long only the size is given. The error is io.EOF where it has no end.
func readLine(in *bufio.Reader) (line []byte, size int64, err error) {
	part, err := in.ReadSlice('\n')
	size = int64(len(part))
	if !errors.Is(err, bufio.ErrBufferFull) {
		return slices.Clone(part), size, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = in.ReadSlice('\n')
		size += int64(len(part))
	}
	return nil, size, err
}

// take takes a line in. What cannot be read is named by its number, never repeated: it may hold personal data.
func (a *answers) take(f *answerFile, line []byte) {
	text := strings.TrimRight(string(line), "\r\n")
	if f.line == 1 {
		a.takeHeader(f, text)
		return
	}
	if line != nil && strings.TrimSpace(text) == "" {
		return
	}
	key, s, err := f.parse(text, line == nil)
	if err == nil {
		a.hear(key, s)
		return
	}
	if f.bad++; f.bad <= complaints {
		a.o.Log.Warn("a line of the bank cannot be read; it is passed over", "file", f.name, "line", f.line, "reason", err, "last_named", f.bad == complaints)
	}
}

func (a *answers) takeHeader(f *answerFile, text string) {
	names, err := values(strings.TrimPrefix(text, "\ufeff"))
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
	}
	f.columns = columns{
		key: slices.Index(names, "key"), outcome: slices.Index(names, "outcome"),
		reference: slices.Index(names, "reference"), reason: slices.Index(names, "reason"),
	}
	if err != nil || f.columns.key < 0 || f.columns.outcome < 0 {
		a.giveUp(f, "its first line does not name the columns key and outcome")
	}
}

// The faults of a line.
var (
	errLong    = fmt.Errorf("it has more than %d bytes", lineMost)
	errQuotes  = errors.New("its quotes do not match")
	errShort   = errors.New("it has no key or no outcome")
	errOutcome = errors.New("its outcome is none of delivered, failed and returned")
)

func (f *answerFile) parse(text string, long bool) (anchor.PayoutKey, said, error) {
	if long {
		return "", said{}, errLong
	}
	list, err := values(text)
	if err != nil {
		return "", said{}, err
	}
	at := func(i int) string {
		if i < 0 || i >= len(list) {
			return ""
		}
		return strings.TrimSpace(list[i])
	}
	s := said{outcome: outcome(strings.ToLower(at(f.columns.outcome))), reference: cut(at(f.columns.reference)), reason: cut(at(f.columns.reason)), file: f, line: f.line}
	key := at(f.columns.key)
	switch {
	case key == "" || s.outcome == "":
		return "", said{}, errShort
	case s.outcome != delivered && s.outcome != failed && s.outcome != returned:
		return "", said{}, errOutcome
	}
	return anchor.PayoutKey(cut(key)), s, nil
}

// cut copies what is kept of a value, so that it does not hold the line in memory.
func cut(value string) string {
	if len(value) > valueMost {
		value = value[:valueMost]
	}
	return strings.Clone(value)
}

// values splits a line; its error says nothing of what is in it.
func values(text string) ([]string, error) {
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord = -1
	list, err := in.Read()
	if err != nil {
		return nil, errQuotes
	}
	return list, nil
}
