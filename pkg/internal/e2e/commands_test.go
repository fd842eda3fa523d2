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

func TestHelp_of_every_command_says_what_it_does_and_shows_how(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var look func(command ...string)
	look = func(command ...string) {
		r := run(t, launch{dir: dir, args: append(command, "--help")})
		name := "anchor " + strings.Join(command, " ")
		require.Zero(t, r.code, name)
		what, _, _ := strings.Cut(r.out, "\n")
		require.NotEmpty(t, strings.TrimSpace(what), name)
		require.NotContains(t, what, "Usage:", "%s has no text", name)
		below := commandsIn(r.out)
		if len(below) == 0 && takesSomething(r.out) {
			require.Contains(t, r.out, "Examples:", name)
		}
		for _, c := range below {
			look(append(append([]string{}, command...), c)...)
		}
	}
	look()
}

// takesSomething tells whether the command of a help has arguments or flags of its own.
func takesSomething(help string) bool {
	_, use, _ := strings.Cut(help, "Usage:\n")
	use, _, _ = strings.Cut(use, "\n")
	arguments := strings.ToLower(use) != use
	_, flags, _ := strings.Cut(help, "\nFlags:\n")
	flags, _, _ = strings.Cut(flags, "\n\n")
	return arguments || strings.Count(flags, "\n") > 0 // --help is one
}

// commandsIn are the commands that a help lists.
func commandsIn(help string) (list []string) {
	listing := false
	for line := range strings.Lines(help) {
		switch text := strings.TrimSpace(line); {
		case strings.HasSuffix(text, ":") && !strings.HasPrefix(line, " "):
			listing = strings.Contains(text, "Commands") || strings.HasPrefix(text, "To ") || text == "The processes:"
		case listing && text != "" && !strings.HasPrefix(text, "help ") && !strings.HasPrefix(text, "completion "):
			list = append(list, strings.Fields(text)[0])
		}
	}
	return list
}
