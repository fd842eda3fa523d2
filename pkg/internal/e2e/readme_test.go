package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadme runs what the README tells people to type, in the order in which it does, on a network of this machine. Ids that
// it leaves open are those of nothing, so that such a command must fail for that reason and no other.
func TestReadme_commands_do_what_it_says(t *testing.T) {
	t.Parallel()
	commands := readmeCommands(t)
	require.Greater(t, len(commands), 10)
	w := newWorld(t, "sqlite", plan{})
	dir := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "HORIZON_URI=" + w.horizon, "HOST_URL=http://" + freeAddress(t)}
	for _, command := range commands {
		args := command.args
		if args[0] == "run" {
			operator := freeAddress(t)
			p := start(t, launch{name: "run", dir: dir, env: env, args: append(args, "--operator-listen", operator)})
			w.awaitOK("http://" + operator + "/readyz")
			p.stop()
			continue
		}
		r := run(t, launch{dir: dir, env: env, args: args})
		if command.open {
			require.Equal(t, 1, r.code, "anchor %s: %s", strings.Join(args, " "), r.errors)
			require.Regexp(t, "not found|no such", r.errors)
			continue
		}
		require.Zero(t, r.code, "anchor %s: %s", strings.Join(args, " "), r.errors)
	}
}

type readmeCommand struct {
	args []string
	open bool // it names something that does not exist
}

// readmeCommands are the lines of the README's shell blocks that call anchor.
func readmeCommands(t *testing.T) (list []readmeCommand) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	require.NoError(t, err)
	word := regexp.MustCompile(`"[^"]*"|\S+`)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			rest, ours := strings.CutPrefix(strings.TrimSpace(line), "anchor ")
			if !ours {
				continue
			}
			var c readmeCommand
			for _, arg := range word.FindAllString(rest, -1) {
				switch arg {
				case "ID", "TRANSACTION":
					arg, c.open = "01980000-0000-7000-8000-000000000000", true
				case "N":
					arg = "1"
				}
				c.args = append(c.args, strings.Trim(arg, `"`))
			}
			list = append(list, c)
		}
	}
	return list
}
