package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// empty opens a database without any schema.
func empty(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := store.OpenUnchecked(t.Context(), store.Options{URL: url, Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// eachURL runs a test with the URL of an empty database of every engine.
func eachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+t.TempDir()+"/anchor.db")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.URL(t))
	})
}

// shape is what a schema is made of, in words that both engines share.
type shape struct {
	columns, indexes, checks, references []string
}

func shapeOf(t *testing.T, db *store.DB) shape {
	t.Helper()
	b := &bench{T: t, db: db}
	if db.Engine() == "sqlite" {
		return sqliteShape(b)
	}
	return postgresShape(b)
}

// Goose keeps its own table as it likes; the rest is ours.
const ours = "<> 'goose_db_version'"

func sqliteShape(b *bench) (s shape) {
	s.columns = flat(b.rows(`SELECT m.name, c.name, lower(c.type), CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN 'not null' ELSE '' END
		FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name ` + ours + ` ORDER BY 1, 2`))
	s.indexes = flat(b.rows(`SELECT tbl_name, name, CASE WHEN sql LIKE 'CREATE UNIQUE%' THEN 'unique' ELSE '' END, CASE WHEN sql LIKE '%WHERE%' THEN 'partial' ELSE '' END
		FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name ` + ours + ` ORDER BY 1, 2`))
	for _, row := range b.rows(`SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name ` + ours + ` ORDER BY 1`) {
		s.checks = append(s.checks, fmt.Sprint(row[0], " ", strings.Count(row[1], "CHECK (")))
	}
	s.references = flat(b.rows(`SELECT m.name, f."from", f."table", f."to" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
		WHERE m.type = 'table' ORDER BY 1, 2`))
	return s
}

func postgresShape(b *bench) (s shape) {
	s.columns = flat(b.rows(`SELECT table_name, column_name, data_type, CASE is_nullable WHEN 'NO' THEN 'not null' ELSE '' END
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name ` + ours + ` ORDER BY table_name COLLATE "C", column_name COLLATE "C"`))
	s.indexes = flat(b.rows(`SELECT tablename, indexname, CASE WHEN indexdef LIKE 'CREATE UNIQUE%' THEN 'unique' ELSE '' END, CASE WHEN indexdef LIKE '%WHERE%' THEN 'partial' ELSE '' END
		FROM pg_indexes WHERE schemaname = 'public' AND tablename ` + ours + `
		AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname) ORDER BY tablename COLLATE "C", indexname COLLATE "C"`))
	s.checks = flat(b.rows(`SELECT c.relname, count(k.oid) FROM pg_class c LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'
		WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname ` + ours + ` GROUP BY c.relname ORDER BY c.relname COLLATE "C"`))
	s.references = flat(b.rows(`SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, f.attname FROM pg_constraint c
		JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]
		WHERE c.contype = 'f' ORDER BY c.conrelid::regclass::text COLLATE "C", a.attname COLLATE "C"`))
	return s
}

func flat(rows [][]string) []string {
	var lines []string
	for _, row := range rows {
		lines = append(lines, strings.TrimSpace(strings.Join(row, " ")))
	}
	return lines
}

func TestBoth_engines_have_the_same_schema(t *testing.T) {
	t.Parallel()
	lite, postgres := shapeOf(t, storetest.SQLite(t)), shapeOf(t, storetest.Postgres(t))
	require.Equal(t, lite.columns, postgres.columns)
	require.Equal(t, lite.indexes, postgres.indexes)
	require.Equal(t, lite.checks, postgres.checks)
	require.Equal(t, lite.references, postgres.references)
	require.Greater(t, len(lite.columns), 150)
	require.Greater(t, len(lite.references), 10)
}

func TestColumns_hold_text_whole_numbers_and_truth_only(t *testing.T) {
	t.Parallel()
	for _, column := range shapeOf(t, storetest.SQLite(t)).columns {
		typ := strings.Fields(column)[2]
		require.Contains(t, []string{"text", "bigint", "boolean"}, typ, column)
	}
}

func TestForeign_keys_never_delete_history(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Postgres(t))
	require.Zero(t, b.count("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confdeltype NOT IN ('a', 'r')"))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		require.Error(t, b.exec("DELETE FROM receiving_accounts"))
		require.Error(t, b.exec("INSERT INTO customer_statuses (customer_id, type, status, actor, updated_us) VALUES ('nobody', 't', 'ACCEPTED', 'a', 1)"))
	})
}

func TestMigrations_go_up_down_and_up_again_to_the_same_schema(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url string) {
		ctx, db := t.Context(), empty(t, url)
		all, err := db.Migrations(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, all)
		steps, err := db.MigrateUp(ctx)
		require.NoError(t, err)
		require.Len(t, all, steps)
		first := shapeOf(t, db)

		steps, err = db.MigrateUp(ctx)
		require.NoError(t, err)
		require.Zero(t, steps, "nothing is left to do")

		for range all {
			require.NoError(t, db.MigrateDown(ctx))
		}
		require.Equal(t, shape{}, shapeOf(t, db), "nothing is left of it")
		listed, err := db.Migrations(ctx)
		require.NoError(t, err)
		for _, m := range listed {
			require.False(t, m.Applied, m.Name)
		}

		_, err = db.MigrateUp(ctx)
		require.NoError(t, err)
		require.Equal(t, first, shapeOf(t, db))
		require.NoError(t, db.CheckSchema(ctx))
	})
}

func TestSeveral_migrations_at_once_wait_for_each_other(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url string) {
		var group errgroup.Group
		steps := make([]int, 4)
		for i := range steps {
			db := empty(t, url)
			group.Go(func() (err error) {
				steps[i], err = db.MigrateUp(t.Context())
				return err
			})
		}
		require.NoError(t, group.Wait())
		done := 0
		for _, n := range steps {
			done += n
		}
		all, err := empty(t, url).Migrations(t.Context())
		require.NoError(t, err)
		require.Len(t, all, done, "each step was made once")
	})
}

func TestA_database_without_a_schema_is_not_worked_on(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url string) {
		db := empty(t, url)
		err := db.CheckSchema(t.Context())
		require.ErrorIs(t, err, store.ErrSchema)
		require.ErrorContains(t, err, "it is empty; run 'anchor migrate'")
		_, err = store.Open(t.Context(), store.Options{URL: url, Unsafe: true})
		require.ErrorIs(t, err, store.ErrSchema)

		_, err = db.MigrateUp(t.Context())
		require.NoError(t, err)
		require.NoError(t, db.MigrateDown(t.Context()))
		require.ErrorIs(t, db.CheckSchema(t.Context()), store.ErrSchema)
	})
}

func TestA_schema_for_later_programs_is_not_worked_on(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &bench{T: t, db: db}
		for _, value := range []string{"5", "99", "soon", ""} {
			b.must("UPDATE meta SET value = $1 WHERE name = 'oldest_program'", value)
			err := db.CheckSchema(t.Context())
			require.ErrorIs(t, err, store.ErrSchema)
			require.ErrorContains(t, err, "install the newer release")
			require.ErrorContains(t, err, "this one is 4")
		}
	})
}

func TestA_schema_that_lacks_a_step_is_not_worked_on_and_a_newer_one_is(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &bench{T: t, db: db}
		b.must("INSERT INTO goose_db_version (version_id, is_applied) VALUES (900, TRUE)")
		require.NoError(t, db.CheckSchema(t.Context()), "migrations expand first: an older program goes on")
		b.must("DELETE FROM goose_db_version WHERE version_id > 0")
		require.ErrorIs(t, db.CheckSchema(t.Context()), store.ErrSchema)
	})
}

func TestA_database_that_does_not_answer_is_not_taken_for_an_empty_one(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := db.CheckSchema(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, store.ErrSchema)
	})
}

func TestURLs_that_name_no_database_are_refused(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"":                                 "must start with sqlite: or postgres://",
		"mysql://root@localhost/":          "mysql",
		"anchor.db":                        "must start with sqlite:",
		"sqlite:":                          "lacks the path",
		"sqlite:/no/such/folder/anchor.db": "no such file",
		"postgres://user:hunter2@localhost:notaport/x": "cannot parse",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			_, err := store.OpenUnchecked(t.Context(), store.Options{URL: url})
			require.ErrorContains(t, err, says)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}
