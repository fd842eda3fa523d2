package bench_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// plan is how a database runs a statement.
type plan struct {
	text string // for people
	ways []way  // by which the tables are reached, sorted
}

// way is how a table is reached: by an index, or by none, which reads it from its beginning to its end.
type way struct{ table, index string }

func (w way) String() string {
	if w.index == "" {
		return w.table + " as a whole"
	}
	return w.table + " by " + w.index
}

func newPlan(text string, ways []way) plan {
	slices.SortFunc(ways, func(a, b way) int { return strings.Compare(a.String(), b.String()) })
	return plan{text, ways}
}

// growing tells whether there is the more in a table the longer the anchor has been at work.
func (w way) growing() bool {
	return slices.Contains([]string{"transactions", "payments", "payouts", "payout_attempts", "attempt_answers", "events"}, w.table)
}

// readsWhole tells whether it takes the longer the longer the anchor has been at work.
func (p plan) readsWhole() bool {
	return slices.ContainsFunc(p.ways, func(w way) bool { return w.growing() && w.index == "" })
}

// spoilt tells whether a statement is run worse in a full database than in one that is nearly empty: a table is read as a whole,
// or reached by another index. That a table of a few pages is read as a whole, and no longer when it is large, is well done.
func spoilt(few, many plan) bool {
	if many.readsWhole() {
		return true
	}
	return !few.readsWhole() && !slices.Equal(few.ways, many.ways)
}

// comparePlans has both databases do the same work, and compares how they run each statement that the anchor asked them for.
//
// The driver prepares on Postgres, and Postgres plans either for the parameters at hand (custom) or for any (generic): both are
// compared. SQLite compiles a statement for any parameters. What it is asked is found out on Postgres: the texts are the same but
// for the locks. What the databases ask themselves to check foreign keys is not seen.
func comparePlans(b *testing.B, e engine, t *table, empty, full *past) {
	for _, work := range []struct {
		what string
		do   func(b *testing.B, k *past, rows int)
	}{
		{"crediting", func(b *testing.B, k *past, rows int) { k.credit(b, rows) }},
		{"paying out", func(b *testing.B, k *past, rows int) { k.payOut(b, rows) }},
	} {
		few, many := plansOf(b, e, work.do, empty, full)
		require.NotEmpty(b, many)
		changed, grown := 0, 0
		for _, statement := range slices.Sorted(maps.Keys(many)) {
			switch was, is := few[statement], many[statement]; {
			case spoilt(was, is):
				changed++
				t.remark(fmt.Sprintf("%s: %.300s\n\nbeside none:\n%s\nbeside a million:\n%s", e.name, statement, was.text, is.text))
			case was.readsWhole():
				grown++
			}
		}
		t.add(b, row{
			what: "plans of " + work.what + " that a million finished transactions spoil", engine: e.name, measured: float64(changed),
			unit: fmt.Sprintf("of %d", len(many)), note: fmt.Sprintf("by the same indexes; %d by none while the tables are small", grown), bar: none(),
		})
	}
}

func none() bar { return bar{"none", func(r row) bool { return r.measured == 0 }} }

func plansOf(b *testing.B, e engine, work func(b *testing.B, k *past, rows int), empty, full *past) (few, many map[string]plan) {
	if e.name != "postgres" {
		asked := askedOfSQLite(b, work)
		return plansOnSQLite(b, empty.raw, asked), plansOnSQLite(b, full.raw, asked)
	}
	few, many = empty.plansOnPostgres(b, work), full.plansOnPostgres(b, work)
	require.ElementsMatch(b, slices.Collect(maps.Keys(few)), slices.Collect(maps.Keys(many)), "the same work is the same statements")
	return few, many
}

// credit applies a page of so many payments, and one in which nothing is as agreed.
func (k *past) credit(b *testing.B, n int) {
	exact, odd := k.page(b, k.ledger), k.page(b, k.ledger+1)
	k.ledger += 2
	exact.Payments = exact.Payments[:n]
	odd.Payments = odd.Payments[:4]
	odd.Payments[0].Units--
	odd.Payments[1].Units++
	odd.Payments[2].Memo = exact.Payments[0].Memo // paid already
	odd.Payments[3].Memo = "18446744073709551615" // of nothing
	for _, page := range []stellar.Page{exact, odd} {
		var err error
		k.at, err = k.service.Apply(b.Context(), k.at, page, 1)
		require.NoError(b, err)
	}
	k.credited += n
}

// payOut credits some and pays whatever is ready, as many at once.
func (k *past) payOut(b *testing.B, n int) {
	k.credit(b, n)
	k.pay(b, n)
}

func (k *past) pay(b *testing.B, n int) {
	s := payouts.New(k.db, map[string]anchor.Rail{rail: {Rails: instant{}}}, nil, payouts.Options{Owner: actor, Concurrency: n})
	worked, err := s.Execute(b.Context(), b.Context())
	require.NoError(b, err)
	require.True(b, worked)
}

// tapped does the work for many rows and for one, and answers what was run, by shape: of statements that differ in how many
// values they list, it is the longest one.
func (k *past) tapped(b *testing.B, work func(b *testing.B, k *past, rows int), many int) map[string]ran {
	t, url := newTap(b, k.url)
	tapped, through := *k, *k.books
	through.db = durable(b, url)
	through.service = payments.New(through.db, nil, payments.Options{Passphrase: passphrase, RailOf: func(string) string { return rail }})
	tapped.books = &through
	t.take() // what opening it has run
	work(b, &tapped, many)
	work(b, &tapped, 1)
	k.at, k.ledger, k.credited, k.nextMemo = tapped.at, tapped.ledger, tapped.credited, through.nextMemo
	list := map[string]ran{}
	for _, r := range t.take() {
		if strings.HasPrefix(r.text, "SELECT") && !strings.Contains(r.text, "FROM ") || strings.Contains(r.text, "clock_timestamp") {
			continue // of no table
		}
		if known, ok := list[shape(r.text)]; !ok || len(known.parameters) < len(r.parameters) {
			list[shape(r.text)] = r
		}
	}
	return list
}

// shape is the text of a statement without the numbers of its parameters and of its rows, one or several.
func shape(text string) string {
	for _, change := range []struct{ from, to string }{
		{`CAST\(\$\d+ AS \w+\)|\$\d+`, "?"}, {`\?(,\s*\?)+`, "?…"}, {`(,\s*\([^()]*\?[^()]*\))+`, ",…"}, {`\s+`, " "},
	} {
		text = regexp.MustCompile(change.from).ReplaceAllString(text, change.to)
	}
	return text
}

// plansOnPostgres does the work and asks how what it ran is run.
func (k *past) plansOnPostgres(b *testing.B, work func(b *testing.B, k *past, rows int)) map[string]plan {
	asked := k.tapped(b, work, perPage)
	analyze(b, k.raw)
	conn, err := pgx.Connect(b.Context(), k.url)
	require.NoError(b, err)
	defer func() { require.NoError(b, conn.Close(b.Context())) }()
	plans := map[string]plan{}
	for shape, r := range asked {
		plans["custom: "+shape] = customPlan(b, conn, r)
		plans["generic: "+shape] = genericPlan(b, conn, r)
	}
	return plans
}

const explain = "EXPLAIN (FORMAT JSON, COSTS OFF) "

// customPlan is the plan for the parameters that the statement had.
func customPlan(b *testing.B, conn *pgx.Conn, r ran) plan {
	answer := conn.PgConn().ExecParams(b.Context(), explain+r.text, r.parameters, nil, r.formats, nil).Read()
	require.NoError(b, answer.Err, r.text)
	return read(b, answer.Rows[0][0])
}

// genericPlan is the plan for any parameters.
func genericPlan(b *testing.B, conn *pgx.Conn, r ran) plan {
	any := strings.TrimSuffix(strings.Repeat("NULL,", len(r.parameters)), ",")
	if any != "" {
		any = "(" + any + ")"
	}
	answers, err := conn.PgConn().Exec(b.Context(), "SET plan_cache_mode = force_generic_plan; PREPARE asked AS "+strings.TrimRight(r.text, "; \n")+"; "+
		explain+"EXECUTE asked"+any+"; DEALLOCATE asked").ReadAll()
	require.NoError(b, err, r.text)
	return read(b, answers[2].Rows[0][0])
}

// step is one of a plan of Postgres.
type step struct {
	Node, Operation, Join, Relation, Index, Condition string
	Steps                                             []step
}

// UnmarshalJSON reads what EXPLAIN calls by names with spaces.
func (s *step) UnmarshalJSON(raw []byte) error {
	var said struct {
		Node      string `json:"Node Type"`
		Operation string `json:"Operation"`
		Join      string `json:"Join Type"`
		Relation  string `json:"Relation Name"`
		Index     string `json:"Index Name"`
		Condition string `json:"Index Cond"`
		Steps     []step `json:"Plans"`
	}
	err := json.Unmarshal(raw, &said)
	*s = step(said)
	return err
}

func (s step) lines(depth int) string {
	words := strings.Join(strings.Fields(strings.Join([]string{s.Operation, s.Join, s.Node, s.Relation}, " ")), " ")
	if s.Index != "" {
		words += " using " + s.Index
	}
	text := strings.Repeat("  ", depth) + words + "\n"
	for _, below := range s.Steps {
		text += below.lines(depth + 1)
	}
	return text
}

// ways are those of a step and of all below it; heap is the table whose rows a bitmap is for.
func (s step) ways(heap string) []way {
	var ways []way
	if s.Relation != "" {
		heap = s.Relation
	}
	switch {
	case s.Node == "Seq Scan":
		ways = append(ways, way{table: s.Relation})
	case s.Index != "" && s.Condition == "":
		ways = append(ways, way{heap, "all of " + s.Index})
	case s.Index != "":
		ways = append(ways, way{heap, s.Index})
	}
	for _, below := range s.Steps {
		ways = append(ways, below.ways(heap)...)
	}
	return ways
}

func read(b *testing.B, raw []byte) plan {
	var said []struct {
		Plan step `json:"Plan"`
	}
	require.NoError(b, json.Unmarshal(raw, &said))
	require.Len(b, said, 1)
	return newPlan(said[0].Plan.lines(0), said[0].Plan.ways(""))
}

// askedOfSQLite are the statements that SQLite is asked, by shape, with as many rows as one of them has there at most.
func askedOfSQLite(b *testing.B, work func(b *testing.B, k *past, rows int)) map[string]ran {
	k := newPast(b, engines()[0])
	asked, locks := k.tapped(b, work, 16), regexp.MustCompile(`\s+FOR UPDATE( OF [a-z, ]+)?( SKIP LOCKED)?\s*;?\s*$`)
	for shape, r := range asked {
		if strings.Contains(r.text, "FOR SHARE") { // needed where others write at the same time
			delete(asked, shape)
			continue
		}
		r.text = locks.ReplaceAllString(r.text, "")
		asked[shape] = r
	}
	return asked
}

func plansOnSQLite(b *testing.B, db *sql.DB, asked map[string]ran) map[string]plan {
	plans := make(map[string]plan, len(asked))
	for shape, r := range asked {
		plans[shape] = planOnSQLite(b, db, r)
	}
	return plans
}

func planOnSQLite(b *testing.B, db *sql.DB, r ran) plan {
	rows, err := db.QueryContext(b.Context(), "EXPLAIN QUERY PLAN "+r.text, make([]any, len(r.parameters))...)
	require.NoError(b, err, r.text)
	defer func() { require.NoError(b, rows.Close()) }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(b, rows.Scan(&id, &parent, &unused, &detail))
		lines = append(lines, detail)
	}
	require.NoError(b, rows.Err())
	return newPlan(strings.Join(lines, "\n")+"\n", waysOfSQLite(r.text, lines))
}

// waysOfSQLite reads lines such as "SEARCH t USING INDEX name (id=?)" and "SCAN t"; what they name is a table or its alias, the
// statement's own list of values, or another table that refers to the one that is written.
func waysOfSQLite(text string, lines []string) []way {
	tables := map[string]string{}
	named := regexp.MustCompile(`\b(?:FROM|JOIN|UPDATE|INTO)\s+([a-z_]+)(?:\s+(?:AS\s+)?([a-z]+))?`)
	for _, found := range named.FindAllStringSubmatch(text, -1) {
		tables[found[1]], tables[found[2]] = found[1], found[1]
	}
	var ways []way
	for _, line := range lines {
		words := strings.Fields(line)
		if words[0] != "SCAN" && words[0] != "SEARCH" {
			continue
		}
		table, known := tables[words[1]]
		if !known {
			table = words[1]
		}
		_, by, _ := strings.Cut(line, " USING ")
		index, _, _ := strings.Cut(by, " (")
		ways = append(ways, way{table, strings.TrimPrefix(strings.TrimPrefix(index, "COVERING "), "INDEX ")})
	}
	return ways
}

func TestAPlanIsSpoiltThatReadsAGrownTableAsAWholeOrTakesAnotherIndex(t *testing.T) {
	t.Parallel()
	whole, byKey, byMemo := way{"transactions", ""}, way{"transactions", "pkey"}, way{"transactions", "memo"}
	small := way{"assets", ""}
	for _, c := range []struct {
		few, many []way
		spoilt    bool
	}{
		{[]way{byKey}, []way{byKey}, false},
		{[]way{byKey, small}, []way{small, byKey}, false},
		{[]way{whole}, []way{byKey}, false},
		{[]way{whole}, []way{whole}, true},
		{[]way{byKey}, []way{whole}, true},
		{[]way{byKey}, []way{byMemo}, true},
		{[]way{byKey}, []way{byKey, byMemo}, true},
	} {
		require.Equal(t, c.spoilt, spoilt(newPlan("", c.few), newPlan("", c.many)), "%v and %v", c.few, c.many)
	}
}

func TestWhatEachEngineSaysOfAPlanIsUnderstood(t *testing.T) {
	t.Parallel()
	require.Equal(t, []way{{"transactions", "transactions_pkey"}, {"v", ""}, {"payouts", ""}, {"events", "events_at"}, {"32-ROW", ""}},
		waysOfSQLite("UPDATE transactions SET a = 1 FROM payouts p, (VALUES (1)) AS v, events", []string{
			"SEARCH transactions USING INDEX transactions_pkey (id=?)", "SCAN v", "SCAN payouts", "USE TEMP B-TREE FOR ORDER BY",
			"SCAN events USING COVERING INDEX events_at", "SCAN 32-ROW VALUES CLAUSE",
		}))
	require.Equal(t, []way{{"payouts", ""}}, waysOfSQLite("SELECT 1 FROM payouts AS p WHERE 1", []string{"SCAN p"}))
	var s step
	require.NoError(t, json.Unmarshal([]byte(`{"Node Type": "Nested Loop", "Plans": [
		{"Node Type": "Seq Scan", "Relation Name": "events"},
		{"Node Type": "Bitmap Heap Scan", "Relation Name": "payouts", "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "a", "Index Cond": "x"}]},
		{"Node Type": "Index Scan", "Relation Name": "payments", "Index Name": "b"}]}`), &s))
	require.Equal(t, []way{{"events", ""}, {"payouts", "a"}, {"payments", "all of b"}}, s.ways(""))
}

func TestStatementsThatDifferInTheirRowsOnlyHaveOneShape(t *testing.T) {
	t.Parallel()
	require.Equal(t, shape("UPDATE t SET a = v.x FROM (VALUES (CAST($1 AS TEXT),CAST($2 AS BIGINT)),($3,$4)) v WHERE t.id = v.y AND b = $5"),
		shape("UPDATE t SET a = v.x FROM (VALUES (CAST($1 AS TEXT),CAST($2 AS BIGINT)),($3,$4),($5,$6)) v WHERE t.id = v.y AND b = $7"))
	require.Equal(t, shape("INSERT INTO t (a, b) VALUES ($1, 1),($2, 1)"), shape("INSERT INTO t (a, b) VALUES ($1, 1),($2, 1),($3, 1)"))
	require.Equal(t, shape("SELECT a FROM t WHERE b = $1 AND c IN ($2,$3)"), shape("SELECT a\nFROM t WHERE b = $1 AND c IN ($2,$3,$4,$5)"))
	require.NotEqual(t, shape("SELECT a FROM t WHERE c IN ($1)"), shape("SELECT a FROM t WHERE c IN ($1,$2)"))
	require.NotEqual(t, shape("INSERT INTO t VALUES ($1,$2)"), shape("INSERT INTO t VALUES ($1,$2),($3,$4)"))
}
