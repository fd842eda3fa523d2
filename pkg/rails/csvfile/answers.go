package csvfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// What is read of the bank's folder at most.
const (
	filesMost = 10_000
	newsMost  = 10 // keys that were not asked about, of which one answer tells
)

// answers is what the bank's files say, as far as they were read. It is used under the rail's lock.
type answers struct {
	o     Options
	files map[string]*answerFile // by name
	said  map[anchor.PayoutKey]said
	back  []anchor.PayoutKey // came back, or failed or were delivered after all; not yet told of
}

// said is what the bank said last of a key.
type said struct {
	outcome   outcome
	delivered bool // an earlier line said so
	reference string
	reason    string
	file      *answerFile
	line      int
}

// outcome is what a line may say.
type outcome string

const (
	delivered outcome = "delivered"
	failed    outcome = "failed"
	returned  outcome = "returned"
)

func newAnswers(o Options) *answers {
	return &answers{o: o, files: map[string]*answerFile{}, said: map[anchor.PayoutKey]said{}}
}

// about answers those keys of which the bank has spoken, and of a few that came back, or failed or were delivered after all.
func (a *answers) about(open []anchor.Payout) map[anchor.PayoutKey]anchor.Outcome {
	all := map[anchor.PayoutKey]anchor.Outcome{}
	for _, p := range open {
		if s, ok := a.said[p.Key]; ok {
			all[p.Key] = s.answer(true)
		}
	}
	a.back = slices.DeleteFunc(a.back, func(key anchor.PayoutKey) bool { _, told := all[key]; return told })
	for range min(newsMost, len(a.back)) { // the latest first: after a start those of long ago are told once more
		last := len(a.back) - 1
		key := a.back[last]
		a.back = a.back[:last]
		if s, ok := a.said[key]; ok {
			all[key] = s.answer(false)
		}
	}
	return all
}

// answer is what the engine is told. The bank's words are left out where nobody can look for personal data in them.
func (s said) answer(asked bool) anchor.Outcome {
	why := fmt.Sprintf("%s, line %d", s.file.name, s.line)
	if s.delivered && s.outcome != delivered {
		why += ", after an earlier line that says delivered"
	}
	if asked && s.reason != "" {
		why = s.reason + " (" + why + ")"
	}
	switch s.outcome {
	case delivered:
		return anchor.Delivered(s.reference)
	case returned:
		return anchor.Returned(why)
	default:
		return anchor.Failed(why)
	}
}

// hear takes one line in.
func (a *answers) hear(key anchor.PayoutKey, s said) {
	before, known := a.said[key]
	if known {
		s.delivered = before.delivered || before.outcome == delivered
	}
	a.said[key] = s
	contradicts := s.delivered && s.outcome == failed || known && before.outcome != delivered && s.outcome == delivered
	if s.outcome == returned || contradicts { // nobody may ask about it any more
		a.back = append(a.back, key)
	}
	if known && before.outcome != s.outcome && s.outcome != returned {
		a.o.Log.Warn("the bank contradicts itself about a payout; the later line counts", "key", key, "file", s.file.name, "line", s.line,
			"outcome", s.outcome, "before", before.outcome)
	}
}

// read reads what is new in the folder.
func (a *answers) read(ctx context.Context) error {
	found, err := a.list()
	if err != nil {
		return err
	}
	a.forgetGone(found)
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := a.readFile(ctx, f)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // the other files must not wait for it
			a.o.Log.WarnContext(ctx, "a file of the bank cannot be read now; it is tried again", "file", f.Name(), "error", err)
		}
	}
	return nil
}

// list finds the bank's files, the oldest first.
func (a *answers) list() ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(a.o.Answers)
	if err != nil {
		return nil, err
	}
	var found []fs.FileInfo
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || strings.HasPrefix(name, ".") || !strings.EqualFold(filepath.Ext(name), ".csv") {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) { // taken away just now
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, info)
	}
	slices.SortFunc(found, func(x, y fs.FileInfo) int {
		if c := x.ModTime().Compare(y.ModTime()); c != 0 {
			return c
		}
		return strings.Compare(x.Name(), y.Name())
	})
	if len(found) > filesMost {
		return nil, fmt.Errorf("%s holds %d files, more than %d: take old ones away", a.o.Answers, len(found), filesMost)
	}
	return found, nil
}

// forgetGone forgets what files said that were taken away.
func (a *answers) forgetGone(found []fs.FileInfo) {
	there := make(map[string]bool, len(found))
	for _, info := range found {
		there[info.Name()] = true
	}
	gone := map[*answerFile]bool{}
	for name, f := range a.files {
		if !there[name] {
			gone[f] = true
			delete(a.files, name)
		}
	}
	a.forget(gone)
}

func (a *answers) forget(files map[*answerFile]bool) {
	if len(files) == 0 {
		return
	}
	for key, s := range a.said {
		if files[s.file] {
			delete(a.said, key)
		}
	}
}
