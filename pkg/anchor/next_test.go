package anchor_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// stand is where a transaction stands as far as the table is concerned.
type stand struct {
	status anchor.Status
	funded bool
}

// causes reads every cause from the source, so that a new one cannot be forgotten here.
func causes(t *testing.T) []anchor.Cause {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "next.go", nil, 0)
	require.NoError(t, err)
	var all []anchor.Cause
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Cause" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		all = append(all, anchor.Cause(text))
		return true
	})
	require.Greater(t, len(all), 10)
	return all
}

// table is the transition table by its key.
func table(t *testing.T) map[string]anchor.Status {
	t.Helper()
	byKey := map[string]anchor.Status{}
	for _, row := range anchor.Transitions() {
		k := key(row.From, row.Funded, row.Cause)
		require.NotContains(t, byKey, k, "the table answers each question once")
		byKey[k] = row.To
	}
	return byKey
}

func key(from anchor.Status, funded bool, cause anchor.Cause) string {
	return fmt.Sprint(from, "/", funded, "/", cause)
}

// reachable walks the table from nothing.
func reachable() map[stand]bool {
	seen := map[stand]bool{{}: true}
	for grown := true; grown; {
		grown = false
		for _, row := range anchor.Transitions() {
			to := stand{row.To, row.Funded || row.Cause == anchor.CauseFunded}
			if seen[stand{row.From, row.Funded}] && !seen[to] {
				seen[to], grown = true, true
			}
		}
	}
	return seen
}

func TestNext_answers_by_the_table_and_refuses_everything_else(t *testing.T) {
	t.Parallel()
	rows := table(t)
	for _, from := range append([]anchor.Status{""}, anchor.Statuses()...) {
		for _, funded := range []bool{false, true} {
			for _, cause := range causes(t) {
				to, err := anchor.Next(from, funded, cause)
				want, inTable := rows[key(from, funded, cause)]
				switch {
				case inTable:
					require.NoError(t, err)
					require.Equal(t, want, to)
				case cause == anchor.CauseNoted && from != "":
					require.NoError(t, err)
					require.Equal(t, from, to, "a fact that is only noted changes no status")
				default:
					require.Errorf(t, err, "%q (funded %t) by %q", from, funded, cause)
					require.Empty(t, to)
				}
			}
		}
	}
}

func TestNext_refuses_causes_and_statuses_that_do_not_exist(t *testing.T) {
	t.Parallel()
	_, err := anchor.Next(anchor.StatusPendingSender, false, "bribed")
	require.ErrorContains(t, err, "bribed")
	_, err = anchor.Next("gone", true, anchor.CauseFunded)
	require.ErrorContains(t, err, "gone")
	_, err = anchor.Next("", false, anchor.CauseNoted)
	require.Error(t, err, "what does not exist yet has nothing to note")
}

func TestTransitions_use_only_known_statuses_and_causes(t *testing.T) {
	t.Parallel()
	known := causes(t)
	for _, row := range anchor.Transitions() {
		require.Contains(t, append([]anchor.Status{""}, anchor.Statuses()...), row.From)
		require.Contains(t, anchor.Statuses(), row.To)
		require.Contains(t, known, row.Cause)
	}
}

func TestTransitions_give_a_copy_that_nobody_else_sees(t *testing.T) {
	t.Parallel()
	mine := anchor.Transitions()
	mine[0].To = anchor.StatusError
	require.NotEqual(t, mine[0], anchor.Transitions()[0])
}

func TestFinal_statuses_are_left_only_by_a_return_a_refund_or_an_operator(t *testing.T) {
	t.Parallel()
	allowed := []anchor.Cause{anchor.CausePayoutReturned, anchor.CauseReopened, anchor.CauseRefunded}
	for _, row := range anchor.Transitions() {
		if row.From.Final() {
			require.Contains(t, allowed, row.Cause, "%s by %s", row.From, row.Cause)
		}
	}
	for _, row := range anchor.Transitions() {
		require.NotEqual(t, anchor.StatusRefunded, row.From, "what is refunded is over")
	}
}

func TestEvery_status_is_reachable_except_pending_stellar(t *testing.T) {
	t.Parallel()
	seen := reachable()
	for _, status := range anchor.Statuses() {
		either := seen[stand{status, false}] || seen[stand{status, true}]
		require.Equal(t, status != anchor.StatusPendingStellar, either, "%s", status)
	}
}

func TestEvery_row_of_the_table_can_happen(t *testing.T) {
	t.Parallel()
	seen := reachable()
	for _, row := range anchor.Transitions() {
		require.True(t, seen[stand{row.From, row.Funded}], "nothing ever stands at %q (funded %t)", row.From, row.Funded)
	}
}

func TestEvery_open_transaction_has_a_way_to_a_final_status(t *testing.T) {
	t.Parallel()
	ends := map[stand]bool{}
	for at := range reachable() {
		ends[at] = at.status.Final()
	}
	for grown := true; grown; {
		grown = false
		for _, row := range anchor.Transitions() {
			from, to := stand{row.From, row.Funded}, stand{row.To, row.Funded || row.Cause == anchor.CauseFunded}
			if ends[to] && !ends[from] {
				ends[from], grown = true, true
			}
		}
	}
	for at, ok := range ends {
		require.True(t, ok, "%q (funded %t) is a dead end", at.status, at.funded)
	}
}

func TestMoney_decides_what_can_follow(t *testing.T) {
	t.Parallel()
	paidOut := []anchor.Cause{
		anchor.CausePayoutAccepted, anchor.CausePayoutDelivered, anchor.CausePayoutFailed, anchor.CausePayoutReturned,
		anchor.CauseTransactionInfoNeeded,
	}
	for _, row := range anchor.Transitions() {
		if slices.Contains(paidOut, row.Cause) {
			require.True(t, row.Funded, "without funds nothing is paid out: %+v", row)
		}
		if row.Cause == anchor.CauseExpired || row.Cause == anchor.CauseFunded || row.Cause == anchor.CausePublished {
			require.False(t, row.Funded, "%+v", row)
		}
		if row.To == anchor.StatusCompleted {
			require.Equal(t, anchor.CausePayoutDelivered, row.Cause, "completed means that the recipient has the money")
		}
		if row.To == anchor.StatusExpired {
			require.Equal(t, anchor.CauseExpired, row.Cause)
		}
		require.NotEqual(t, anchor.StatusPendingStellar, row.To)
	}
}

func TestStatuses_are_either_pending_or_final(t *testing.T) {
	t.Parallel()
	require.Len(t, anchor.Statuses(), 10)
	for _, status := range anchor.Statuses() {
		require.NotEqual(t, status.Pending(), status.Final(), "%s", status)
	}
	require.False(t, anchor.Status("").Pending())
	require.False(t, anchor.Status("").Final())
}
