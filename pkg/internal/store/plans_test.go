package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// hotQuery is a statement that runs all the time, with the indexes that must carry it on both engines.
type hotQuery struct {
	file, name string // queries/FILE.sql, -- name: NAME
	args       map[string]any
	indexes    []string
}

func hotQueries() []hotQuery {
	subject := map[string]any{"subject_kind": "transaction", "subject_id": "x", "subscriber": "owner", "seq": int64(1), "now_us": int64(1), "next_us": int64(2)}
	return []hotQuery{
		{
			"callbacks", "DueCallbacks", map[string]any{"now_us": int64(1), "after_us": int64(0), "after_id": "", "max_rows": int64(10)},
			[]string{"callbacks_due", "callbacks_in_order"},
		},
		{"subscriptions", "AbandonCustomerCallbacks", map[string]any{"now_us": int64(1), "customer_id": "x"}, []string{"callbacks_in_order"}},
		{"customer_files", "LooseFilesOfAccount", map[string]any{"owner_account": "G"}, []string{"customer_files_by_owner"}},
		{"strangers", "BytesOfAccount", map[string]any{"owner_account": "G"}, []string{"customers_by_owner", "(customer_fields_pkey|sqlite_autoindex_customer_fields_1)"}},
		{"customer_files", "FilesOfCustomer", map[string]any{"customer_id": "x"}, []string{"customer_files_by_customer"}},
		{"customer_files", "PruneFiles", map[string]any{"now_us": int64(1), "most": int64(10)}, []string{"customer_files_expiring"}},
		{
			"customers", "WithheldOfCustomer", map[string]any{"customer_id": "x", "most": int64(10)},
			[]string{"transactions_withheld_by_sender", "transactions_withheld_by_receiver"},
		},
		{"callbacks", "NextCallback", map[string]any{"looked_us": int64(1)}, []string{"callbacks_due"}},
		{"callbacks", "HoldCallbacksBehind", subject, []string{"callbacks_in_order"}},
		{"callbacks", "FreeCallbacksBehind", subject, []string{"callbacks_in_order"}},
		{
			"payments", "ExpiredTransactions", map[string]any{"account": "G", "through_closed_us": int64(1), "most": int64(10)},
			[]string{"transactions_expiring"},
		},
		{
			"payments", "ListOpenPayments",
			map[string]any{"after_us": int64(0), "after_id": "", "account": "", "asset_code": "", "asset_issuer": "", "most": int64(10)},
			[]string{"payments_open"},
		},
		{"payments", "CountOpenPayments", nil, []string{"payments_open"}},
		{"payments", "PaymentsOfTransaction", map[string]any{"transaction_id": "x"}, []string{"payments_by_transaction"}},
		{
			"payments", "SeenPayments", map[string]any{"chain": "c", "account": "G", "after_position": int64(0), "up_to_position": int64(1)},
			[]string{"(payments_chain_account_operation_id_idx_key|sqlite_autoindex_payments_2)"},
		},
	}
}

func TestHotQueriesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, q := range append(hotQueries(), hotRefundQueries()...) {
			text, args := numberedArguments(t, queryText(t, q.file, q.name), q.args)
			requireIndexes(t, db, q.name, plan(t, db, text, args), q.indexes)
		}
	})
}

// requireIndexes checks that a plan uses the indexes and reads no table as a whole.
func requireIndexes(t *testing.T, db *store.DB, name, plan string, indexes []string) {
	t.Helper()
	for _, index := range indexes {
		require.Regexp(t, `\b`+index+`\b`, plan, "%s on %s", name, db.Engine())
	}
	for line := range strings.Lines(plan) {
		whole := strings.Contains(line, "Seq Scan") || strings.Contains(line, "SCAN ") && !strings.Contains(line, "USING")
		values := strings.Contains(line, "CONSTANT ROW") || strings.TrimSpace(line) == "SCAN v" // the list of values itself
		require.False(t, whole && !values, "%s on %s reads a whole table:\n%s", name, db.Engine(), plan)
	}
}

// plan asks the engine how it would run a statement. Tables are empty here, which Postgres would read as a whole whatever
// indexes there are: it is told that this is dear.
func plan(t *testing.T, db *store.DB, text string, args []any) string {
	t.Helper()
	conn, err := db.WriterPool().Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	explain := "EXPLAIN QUERY PLAN "
	if db.Engine() == "postgres" {
		explain = "EXPLAIN "
		for _, way := range []string{"seqscan", "bitmapscan", "sort"} {
			_, err := conn.ExecContext(t.Context(), "SET enable_"+way+" = off")
			require.NoError(t, err)
		}
	}
	rows, err := conn.QueryContext(t.Context(), explain+text, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		require.NoError(t, rows.Scan(values...))
		lines = append(lines, fmt.Sprint(*values[len(values)-1].(*any)))
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "\n")
}

// queryText reads a statement as it is written for sqlc.
func queryText(t *testing.T, file, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("queries", file+".sql"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(raw), "-- name: "+name+" :")
	require.True(t, found, "%s has no query %s", file, name)
	_, text, _ := strings.Cut(rest, "\n")
	text, _, _ = strings.Cut(text, ";")
	return text
}

// numberedArguments turns @names into $1, $2, … with their values.
func numberedArguments(t *testing.T, text string, values map[string]any) (numbered string, args []any) {
	t.Helper()
	seen := map[string]int{}
	numbered = regexp.MustCompile(`@\w+`).ReplaceAllStringFunc(text, func(name string) string {
		if _, known := seen[name]; !known {
			value, given := values[name[1:]]
			require.True(t, given, "no value for %s", name)
			args = append(args, value)
			seen[name] = len(args)
		}
		return fmt.Sprintf("$%d", seen[name])
	})
	return numbered, args
}
