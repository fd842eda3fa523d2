package csvfile_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
)

func TestA_batch_becomes_one_file_with_a_line_for_each_payout_in_order(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "sender.first_name", "receiver.bank_account_number", "fields.purpose", "receiver.nothing")
	b := batch("bank-1", 2)
	taken, err := p.rail.Batch.ExecuteBatch(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, "bank-1", taken.ExternalID)
	require.Equal(t, []string{"bank-1.csv"}, p.files())
	require.Equal(t, "key,transaction_id,amount,asset,funding_method,sender.first_name,receiver.bank_account_number,fields.purpose,receiver.nothing\r\n"+
		string(b.Payouts[0].Key)+",tr-0,12.34,iso4217:USD,bank_account,Ana,000123,rent,\r\n"+
		string(b.Payouts[1].Key)+",tr-1,12.34,iso4217:USD,bank_account,Ana,000123,rent,\r\n", p.content("bank-1.csv"))
	info, err := os.Stat(filepath.Join(p.folder, "bank-1.csv"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
}

func TestValues_are_written_so_that_other_programs_read_the_same(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "receiver.name", "receiver.other")
	for i, odd := range []string{`a "quoted" name`, "one,two", " spaces ", "two\nlines", "Ärger & Söhne", "=1+1", ""} {
		b := batch("bank-"+string(rune('1'+i)), 1)
		b.Payouts[0].Receiver.Values["name"] = odd
		require.NoError(t, p.handOver(b))
		rows, err := csv.NewReader(strings.NewReader(p.content(b.Name + ".csv"))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, odd, rows[1][5])
	}
}

func TestPeople_who_are_not_named_leave_their_columns_empty(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "sender.first_name", "fields.purpose")
	b := batch("bank-1", 1)
	b.Payouts[0].Sender, b.Payouts[0].Receiver, b.Payouts[0].Fields = nil, nil, nil
	require.NoError(t, p.handOver(b))
	require.True(t, strings.HasSuffix(p.content("bank-1.csv"), ",bank_account,,\r\n"))
}

func TestThe_same_batch_again_is_the_same_file(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.NoError(t, p.handOver(batch("bank-1", 3)))
	before, err := os.Stat(filepath.Join(p.folder, "bank-1.csv"))
	require.NoError(t, err)
	p.rail = p.reopen()
	require.NoError(t, p.handOver(batch("bank-1", 3)))
	after, err := os.Stat(filepath.Join(p.folder, "bank-1.csv"))
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	require.Equal(t, before.ModTime(), after.ModTime())
}

func TestA_batch_whose_file_the_bank_has_taken_away_is_not_written_again(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.NoError(t, p.handOver(batch("bank-1", 3)))
	require.NoError(t, os.Remove(filepath.Join(p.folder, "bank-1.csv")))
	p.rail = p.reopen()
	require.NoError(t, p.handOver(batch("bank-1", 3)))
	require.Empty(t, p.files())
}

func TestAnother_batch_under_the_same_name_is_an_error_that_names_the_file(t *testing.T) {
	t.Parallel()
	taken := map[string]func(p *place){
		"and the file is there":      func(*place) {},
		"and the bank has the file":  func(p *place) { require.NoError(t, os.Remove(filepath.Join(p.folder, "bank-1.csv"))) },
		"and nothing was noted":      func(p *place) { require.NoError(t, os.RemoveAll(filepath.Join(p.folder, ".handed-over"))) },
		"and a folder has that name": func(p *place) { makeFolder(t, filepath.Join(p.folder, "bank-1.csv")) },
	}
	for name, prepare := range taken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			require.NoError(t, p.handOver(batch("bank-1", 3)))
			prepare(p)
			before := p.files()
			other := batch("bank-1", 3)
			other.Payouts[2].Amount = "99.34"
			err := p.handOver(other)
			require.ErrorContains(t, err, filepath.Join(p.folder, "bank-1.csv"))
			require.NotContains(t, err.Error(), "000123")
			require.Equal(t, before, p.files())
		})
	}
}

func makeFolder(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
}

func TestA_file_that_was_changed_after_it_was_handed_over_is_an_error(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.NoError(t, p.handOver(batch("bank-1", 1)))
	require.NoError(t, os.WriteFile(filepath.Join(p.folder, "bank-1.csv"), []byte("key\r\n"), 0o600))
	require.ErrorContains(t, p.handOver(batch("bank-1", 1)), "bank-1.csv")
	require.Equal(t, "key\r\n", p.content("bank-1.csv"))
}

func TestNames_that_lead_elsewhere_are_refused(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, name := range []string{"", ".", "..", ".hidden", "../bank-1", "a/b", `a\b`, "a\x00b"} {
		require.Error(t, p.handOver(batch(name, 1)), "%q", name)
	}
	require.Empty(t, p.files())
}

// What a process leaves behind that dies after each step of handing over, in the order of the steps.
func TestA_process_that_dies_while_it_writes_leaves_what_the_next_one_completes(t *testing.T) {
	t.Parallel()
	journal := func(p *place, name string) string { return filepath.Join(p.folder, ".handed-over", name) }
	for name, die := range map[string]func(t *testing.T, p *place, whole, note string){
		"in the middle of the file": func(t *testing.T, p *place, whole, _ string) {
			require.NoError(t, os.WriteFile(journal(p, "bank-1.csv"), []byte(whole[:len(whole)/2]), 0o600))
		},
		"before the file is noted": func(t *testing.T, p *place, whole, _ string) {
			require.NoError(t, os.WriteFile(journal(p, "bank-1.csv"), []byte(whole), 0o600))
		},
		"in the middle of the note": func(t *testing.T, p *place, whole, note string) {
			require.NoError(t, os.WriteFile(journal(p, "bank-1.csv"), []byte(whole), 0o600))
			require.NoError(t, os.WriteFile(journal(p, "bank-1.sha256.partial"), []byte(note[:9]), 0o600))
		},
		"before the file is put into the folder": func(t *testing.T, p *place, whole, note string) {
			require.NoError(t, os.WriteFile(journal(p, "bank-1.csv"), []byte(whole), 0o600))
			require.NoError(t, os.WriteFile(journal(p, "bank-1.sha256"), []byte(note), 0o600))
		},
		"when all is done": func(t *testing.T, p *place, whole, note string) {
			require.NoError(t, os.WriteFile(filepath.Join(p.folder, "bank-1.csv"), []byte(whole), 0o600))
			require.NoError(t, os.WriteFile(journal(p, "bank-1.sha256"), []byte(note), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := newPlace(t)
			require.NoError(t, model.handOver(batch("bank-1", 5)))
			whole := model.content("bank-1.csv")
			note, err := os.ReadFile(journal(model, "bank-1.sha256"))
			require.NoError(t, err)

			p := newPlace(t)
			require.NoError(t, os.Mkdir(filepath.Join(p.folder, ".handed-over"), 0o700))
			die(t, p, whole, string(note))
			require.NoError(t, p.handOver(batch("bank-1", 5)))
			require.Equal(t, []string{"bank-1.csv"}, p.files())
			require.Equal(t, whole, p.content("bank-1.csv"))
			require.NoError(t, os.Remove(filepath.Join(p.folder, "bank-1.csv")))
			require.NoError(t, p.handOver(batch("bank-1", 5)))
			require.Empty(t, p.files(), "it was handed over once")
		})
	}
}

func TestTwo_processes_at_once_write_one_file(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		rail := p.reopen()
		all.Go(func() { _, errs[i] = rail.Batch.ExecuteBatch(t.Context(), batch("bank-1", 50)) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, []string{"bank-1.csv"}, p.files())
}

func TestNothing_is_written_once_the_time_is_over(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	_, err := p.rail.Batch.ExecuteBatch(ended(t), batch("bank-1", 1))
	require.Error(t, err)
	require.Empty(t, p.files())
}

func TestWaiting_for_another_process_ends_with_the_context(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.NoError(t, p.handOver(batch("bank-1", 1)))
	holder, err := os.Open(filepath.Join(p.folder, ".handed-over", "lock"))
	require.NoError(t, err)
	defer func() { require.NoError(t, holder.Close()) }()
	require.NoError(t, unix.Flock(int(holder.Fd()), unix.LOCK_EX))
	_, err = p.rail.Batch.ExecuteBatch(ended(t), batch("bank-2", 1))
	require.Error(t, err)
	require.Equal(t, []string{"bank-1.csv"}, p.files())
}

func TestA_folder_that_went_away_is_an_error(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.NoError(t, os.RemoveAll(p.folder))
	require.Error(t, p.handOver(batch("bank-1", 1)))
}

func TestSingle_payouts_are_refused_as_not_sent(t *testing.T) {
	t.Parallel()
	o, err := newPlace(t).rail.ExecuteOutgoing(t.Context(), batch("x", 1).Payouts[0])
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, o.Kind())
}

func TestOptions_that_cannot_work_are_refused_all_together(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for text, o := range map[string]csvfile.Options{
		"the directory is not named":    {},
		"no such file":                  {Directory: filepath.Join(folder, "none")},
		"folder of their own":           {Directory: folder, Answers: folder + "/."},
		`column "amount"`:               {Directory: folder, Columns: []string{"amount"}},
		`column "sender."`:              {Directory: folder, Columns: []string{"sender."}},
		`column "fields.x" is there tw`: {Directory: folder, Columns: []string{"fields.x", "fields.x"}},
	} {
		_, err := csvfile.New(o)
		require.ErrorContains(t, err, text)
	}
	_, err := csvfile.New(csvfile.Options{Columns: []string{"amount"}})
	require.ErrorContains(t, err, "not named")
	require.ErrorContains(t, err, "amount")
}
