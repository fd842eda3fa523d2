package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// table prints rows for people, in columns.
type table struct{ lines []string }

func newTable(columns ...string) *table { return &table{lines: []string{strings.Join(columns, "\t")}} }

func (t *table) row(cells ...string) { t.lines = append(t.lines, strings.Join(cells, "\t")) }

func (t *table) print(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, line := range t.lines {
		if _, err := fmt.Fprintln(columns, line); err != nil {
			return err
		}
	}
	return columns.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// when shows a time for people; empty for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// jsonFlag gives a command --json: it then prints one JSON document for programs instead of tables for people.
func jsonFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("json", false, "print JSON, for programs")
}

// printJSON prints v, which names its fields by json tags. Lists are never null.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// stamp is a time in a JSON document: RFC 3339 in UTC; nil for none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format(time.RFC3339Nano))
}
