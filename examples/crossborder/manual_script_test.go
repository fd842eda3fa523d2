package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A manual is made into a script by its blocks:
//
//	```sh             is run to its end, by a shell; a last line `cd …` holds for what follows
//	```sh terminal    is one command that runs on beside the rest, as in a terminal of its own
//	```text           is what the block before it prints; … stands for anything
//	<!-- test: … -->  is what the reader does elsewhere (with the wallet, at the terminals): lines of the script itself
//
// Other blocks quote the example; another test compares them.
func scriptOf(t *testing.T, text string) string {
	t.Helper()
	var script, files strings.Builder
	script.WriteString("cd $CLONE\n")
	for n, b := range blocksOf(t, text) {
		fmt.Fprintf(&script, "# line %d\n", b.line)
		switch b.kind {
		case "sh":
			name := fmt.Sprintf("block%02d.sh", n)
			body, cd := withoutCd(b.body)
			fmt.Fprintf(&files, "-- %s --\n%s", name, body)
			fmt.Fprintf(&script, "exec sh -eu $WORK/%s\n%s", name, cd)
		case "sh terminal":
			command := strings.TrimSpace(b.body)
			name := strings.ReplaceAll(strings.Fields(command)[1], "-", "_")
			fmt.Fprintf(&script, "exec %s &%s&\n", command, name)
		case "text":
			for line := range strings.Lines(b.body) {
				fmt.Fprintf(&script, "stdout '%s'\n", pattern(line))
			}
		case "test":
			script.WriteString(b.body)
		}
	}
	return script.String() + files.String()
}

// withoutCd splits off a last line that changes the folder, which a shell of its own would not do for the next block.
func withoutCd(body string) (rest, cd string) {
	lines := strings.SplitAfter(strings.TrimSuffix(body, "\n"), "\n")
	last := lines[len(lines)-1]
	if folder, ok := strings.CutPrefix(last, "cd "); ok {
		return strings.Join(lines[:len(lines)-1], ""), "cd " + strings.Replace(folder, "~", "$HOME", 1) + "\n"
	}
	return body, ""
}

// pattern is a line of output as an expression: spaces of tables may differ.
func pattern(line string) string {
	words := strings.Fields(strings.ReplaceAll(line, "'", "''"))
	for i, word := range words {
		words[i] = strings.ReplaceAll(regexp.QuoteMeta(word), "…", `.*`)
	}
	return strings.Join(words, `\s+`)
}

// block is a piece of the manual that means something to the tests.
type block struct {
	kind, body string
	line       int
}

func blocksOf(t *testing.T, text string) []block {
	t.Helper()
	var blocks []block
	var current *block
	for i, line := range strings.Split(text, "\n") {
		switch {
		case current == nil && strings.HasPrefix(line, "```"):
			current = &block{kind: strings.TrimPrefix(line, "```"), line: i + 1}
		case current == nil && strings.HasPrefix(line, "<!-- test:"):
			current = &block{kind: "test", line: i + 1}
			rest := strings.TrimPrefix(line, "<!-- test:")
			if one, ok := strings.CutSuffix(rest, "-->"); ok {
				current.body = strings.TrimSpace(one) + "\n"
				blocks, current = append(blocks, *current), nil
			}
		case current != nil && (line == "```" || line == "-->"):
			blocks, current = append(blocks, *current), nil
		case current != nil:
			current.body += line + "\n"
		}
	}
	require.Nil(t, current, "a block is not closed")
	return blocks
}

func TestManual_quotes_the_example_as_it_is(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(manual)
	require.NoError(t, err)
	quoted := map[string]int{}
	for _, b := range blocksOf(t, string(raw)) {
		switch b.kind {
		case "go", "yaml":
			require.True(t, isQuoted(t, b), "line %d is not in the example:\n%s", b.line, b.body)
			quoted[b.kind]++
		case "sh", "sh terminal", "text", "test", "json":
		default:
			require.Fail(t, "no test looks at a block of this kind", "line %d: %s", b.line, b.kind)
		}
	}
	require.Positive(t, quoted["go"])
	require.Positive(t, quoted["yaml"])
}

func isQuoted(t *testing.T, b block) bool {
	t.Helper()
	files, err := filepath.Glob("*." + b.kind)
	require.NoError(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(source), b.body) && !strings.HasSuffix(file, "_test.go") {
			return true
		}
	}
	return false
}
