package anchor_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

var update = flag.Bool("update", false, "write the documents that are made from the code anew")

// page is the manual's page about statuses, made from the transition table.
func page() []byte {
	var b bytes.Buffer
	b.WriteString(`<!-- Made from the transition table by: go test ./pkg/anchor -run diagram -update -->

# The statuses of a transaction

The statuses are those of SEP-31. Which one follows is decided in one place, the transition table of ` + "`pkg/anchor`" + `, by the
present status, by whether the whole sum has been credited (*funded*), and by what happened. Anything that has no arrow here
cannot happen: the program refuses it. ` + "`pending_stellar`" + ` is part of SEP-31 but never used: a payment is credited once its
ledger has closed, not before.

## Before the payment has arrived

`)
	diagram(&b, false)
	b.WriteString(`
## Once the whole sum has been credited

`)
	diagram(&b, true)
	b.WriteString("\n## The table\n\n| status | funded | what happened | next status |\n| --- | --- | --- | --- |\n")
	for _, row := range anchor.Transitions() {
		from := string(row.From)
		if from == "" {
			from = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", from, yesNo(row.Funded), row.Cause, row.To)
	}
	return b.Bytes()
}

// diagram draws the rows of one half of the table; arrows between the same two statuses are drawn as one.
func diagram(b *bytes.Buffer, funded bool) {
	type arrow struct{ from, to string }
	var arrows []arrow
	causes := map[arrow][]string{}
	for _, row := range anchor.Transitions() {
		if row.Funded != funded {
			continue
		}
		a := arrow{string(row.From), string(row.To)}
		if a.from == "" {
			a.from = "[*]"
		}
		if !slices.Contains(arrows, a) {
			arrows = append(arrows, a)
		}
		causes[a] = append(causes[a], string(row.Cause))
	}
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	if funded {
		b.WriteString("    [*] --> pending_receiver: funded\n")
	}
	for _, a := range arrows {
		fmt.Fprintf(b, "    %s --> %s: %s\n", a.from, a.to, strings.Join(causes[a], ", "))
	}
	for _, status := range anchor.Statuses() {
		if status.Final() && slices.ContainsFunc(arrows, func(a arrow) bool { return a.to == string(status) }) {
			fmt.Fprintf(b, "    %s --> [*]\n", status)
		}
	}
	b.WriteString("```\n")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func TestThe_diagram_in_the_manual_is_that_of_the_table(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "transaction-states.md")
	if *update {
		require.NoError(t, os.WriteFile(path, page(), 0o644))
	}
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(page()), string(written), "run: go test ./pkg/anchor -run diagram -update")
}
