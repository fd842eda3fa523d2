package csvfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
)

type kinds = map[anchor.PayoutKey]anchor.OutcomeKind

func TestWhat_the_bank_says_is_answered_by_key_and_nothing_else_is(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.Empty(t, p.poll("a"))
	p.answer("1.csv", "key,outcome,reference,reason\r\na,delivered,REF-1,\r\nb,failed,,\"no such account, sorry\"\r\nc,returned,,\r\n")
	got := p.outcomes("a", "b", "c", "d")
	require.Len(t, got, 3)
	require.Equal(t, anchor.OutcomeDelivered, got["a"].Kind())
	require.Equal(t, "REF-1", got["a"].ExternalID())
	require.Equal(t, anchor.OutcomeFailed, got["b"].Kind())
	require.Equal(t, "no such account, sorry (1.csv, line 3)", got["b"].Why())
	require.Equal(t, anchor.OutcomeReturned, got["c"].Kind())
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered}, p.poll("a", "d"))
}

func TestA_file_that_grows_is_read_on_from_where_it_ended(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "outcome;x\nnot our file\n")
	p.answer("2.csv", "key,outcome\na,deliv")
	require.Empty(t, p.poll("a", "b"), "the line has no end yet")
	p.answer("2.csv", "ered\nb,failed\n")
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered, "b": anchor.OutcomeFailed}, p.poll("a", "b"))
	p.answer("2.csv", "c,delivered")
	require.Empty(t, p.poll("c"))
	p.clock = p.clock.Add(2 * time.Minute)
	require.Equal(t, kinds{"c": anchor.OutcomeDelivered}, p.poll("c"), "nobody writes it any more")
	require.Equal(t, 1, strings.Count(p.log.String(), "1.csv"), p.log)
}

func TestColumns_may_come_in_any_order_and_with_others(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.CSV", "\ufeffDate, Outcome ,KEY\n2026-11-23,DELIVERED, a \n")
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered}, p.poll("a"))
}

func TestLines_that_cannot_be_read_are_named_and_passed_over(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome,reason\nmario rossi,perhaps,\n\nx\n,delivered\n\"x,delivered\nlong,failed,"+
		strings.Repeat("0123456789", 5000)+"\na,delivered\n")
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered}, p.poll("a", "x", "mario rossi", "long"))
	for _, line := range []int{2, 4, 5, 6, 7} {
		require.Contains(t, p.log.String(), fmt.Sprintf("line=%d ", line))
	}
	require.NotContains(t, p.log.String(), "rossi", "such a line may hold personal data")
	require.NotContains(t, p.log.String(), "0123456789")
}

func TestA_file_full_of_bad_lines_does_not_fill_the_log(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome\n"+strings.Repeat("a,maybe\n", 3000)+"a,failed\n")
	require.Equal(t, kinds{"a": anchor.OutcomeFailed}, p.poll("a"))
	require.Equal(t, 20, strings.Count(p.log.String(), "\n"))
}

func TestFiles_that_are_no_answers_are_passed_over(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, name := range []string{"1.csv.partial", ".1.csv", "1.txt"} {
		p.answer(name, "key,outcome\na,delivered\n")
	}
	require.NoError(t, os.Mkdir(filepath.Join(p.answered, "folder.csv"), 0o700))
	require.NoError(t, os.Symlink("/etc/hosts", filepath.Join(p.answered, "link.csv")))
	require.Empty(t, p.poll("a"))
	require.Empty(t, p.log.String())
}

func TestOf_lines_that_contradict_each_other_the_one_read_last_counts_and_says_so(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("2.csv", "key,outcome\na,delivered\nb,failed\n")
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered, "b": anchor.OutcomeFailed}, p.poll("a", "b"))
	p.answer("1.csv", "key,outcome\na,failed\nb,delivered\n")
	got := p.outcomes("a", "b")
	require.Equal(t, anchor.OutcomeFailed, got["a"].Kind())
	require.Equal(t, "1.csv, line 2, after an earlier line that says delivered", got["a"].Why())
	require.Equal(t, anchor.OutcomeDelivered, got["b"].Kind())
	require.Equal(t, 2, strings.Count(p.log.String(), "contradicts itself"))
}

func TestMoney_that_came_back_is_told_of_once_without_being_asked(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome,reference,reason\na,delivered,,\nb,returned,,account of mario rossi is closed\n")
	got := p.outcomes("x")
	require.Len(t, got, 1)
	require.Equal(t, anchor.OutcomeReturned, got["b"].Kind())
	require.Equal(t, "1.csv, line 3", got["b"].Why(), "the bank's words may be personal, and the payout is not at hand")
	p.answer("1.csv", "a,returned,,\n")
	require.Equal(t, kinds{"a": anchor.OutcomeReturned}, p.poll("x"))
	require.Empty(t, p.poll("x"))
	require.Equal(t, kinds{"a": anchor.OutcomeReturned}, p.poll("a"), "whoever asks is told")
}

func TestOf_many_that_came_back_a_few_are_told_at_a_time(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	var text strings.Builder
	for i := range 25 {
		fmt.Fprintf(&text, "k%d,returned\n", i)
	}
	p.answer("1.csv", "key,outcome\n"+text.String())
	told := kinds{}
	for _, most := range []int{10, 10, 5, 0} {
		got := p.poll("x")
		require.Len(t, got, most)
		for key, kind := range got {
			told[key] = kind
		}
	}
	require.Len(t, told, 25)
}

func TestA_file_that_was_taken_away_is_forgotten(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome\na,delivered\n")
	p.answer("2.csv", "key,outcome\nb,delivered\n")
	require.Len(t, p.poll("a", "b"), 2)
	require.NoError(t, os.Remove(filepath.Join(p.answered, "1.csv")))
	require.Equal(t, kinds{"b": anchor.OutcomeDelivered}, p.poll("a", "b"))
}

func TestA_file_that_was_written_anew_is_read_anew(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome\na,delivered\nb,failed\n")
	require.Len(t, p.poll("a", "b"), 2)
	require.NoError(t, os.WriteFile(filepath.Join(p.answered, "1.csv"), []byte("key,outcome\nc,failed\n"), 0o600))
	require.Equal(t, kinds{"c": anchor.OutcomeFailed}, p.poll("a", "b", "c"))
}

func TestOne_file_that_cannot_be_read_keeps_nobody_from_the_others(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	huge := filepath.Join(p.answered, "huge.csv")
	p.answer("huge.csv", "key,outcome\n")
	require.NoError(t, os.Truncate(huge, 1<<30))
	p.answer("ok.csv", "key,outcome\na,delivered\n")
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered}, p.poll("a"))
	require.Contains(t, p.log.String(), "huge.csv")
}

func TestNo_folder_of_answers_is_no_news_and_one_that_went_away_is_an_error(t *testing.T) {
	t.Parallel()
	rail, err := csvfile.New(csvfile.Options{Directory: t.TempDir()})
	require.NoError(t, err)
	got, err := rail.PollOutgoing(t.Context(), []anchor.Payout{{Key: "a"}})
	require.NoError(t, err)
	require.Empty(t, got)

	p := newPlace(t)
	require.NoError(t, os.RemoveAll(p.answered))
	_, err = p.rail.PollOutgoing(t.Context(), []anchor.Payout{{Key: "a"}})
	require.ErrorContains(t, err, "answers of the bank")
}

func TestReading_ends_with_the_context_and_goes_on_the_next_time(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome\n"+strings.Repeat("b,failed\n", 5000)+"a,delivered\n")
	_, err := p.rail.PollOutgoing(ended(t), []anchor.Payout{{Key: "a"}})
	require.Error(t, err)
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered}, p.poll("a"))
}

func FuzzAnswers_of_the_bank_never_panic_and_never_invent_a_key(f *testing.F) {
	f.Add([]byte("key,outcome\na,delivered\n"))
	f.Add([]byte("\xef\xbb\xbfkey,outcome\r\n\"a\",\"failed\"\r\n\"\n"))
	f.Add([]byte("outcome,key,reason\n,,\nreturned,b,\x00\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := newPlace(t)
		p.clock = p.clock.Add(time.Hour)
		require.NoError(t, os.WriteFile(filepath.Join(p.answered, "1.csv"), raw, 0o600))
		for key := range p.poll("asked") {
			require.Contains(t, string(raw), string(key))
		}
	})
}
