package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
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
