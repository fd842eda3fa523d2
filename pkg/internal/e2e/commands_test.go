package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneShot_commands_succeed_where_there_is_nothing_to_do(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		for _, args := range [][]string{
			{"execute-outgoing"}, {"poll-outgoing"}, {"watch-transactions", "--once"},
			{"execute_outgoing_transactions"}, {"poll_outgoing_transactions"}, {"watch_transactions", "--once"}, // as Polaris has them
			{"migrate", "up"}, {"payments", "list", "--open"},
		} {
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				w.must(args...)
			})
		}
		w.requireInvariants()
	})
}

func TestDemo_makes_its_transfers_and_ends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := run(t, launch{dir: dir, env: []string{"HOME=" + dir, "TMPDIR=" + dir}, args: []string{"demo", "--transfers", "20", "--exit"}})
	require.Zero(t, r.code, r.out+r.errors)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Equal(t, "20 of 20 transfers completed", lines[len(lines)-1])
	require.Equal(t, 20, strings.Count(r.out, " completed\n")-1, "each is shown when it is completed")
}
