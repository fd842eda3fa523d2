package store

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// statement is one that takes any number of rows: head, the rows with a comma between them, tail. Each ? of row becomes a
// parameter of its own; head, row and tail may name the fixed parameters, which come first, as $1, $2 and so on.
type statement struct{ head, row, tail string }

// sql writes the statement for so many rows. The text is the same on both engines.
func (s statement) sql(rows, fixed int) string {
	parts := strings.Split(s.row, "?")
	var b strings.Builder
	b.Grow(len(s.head) + len(s.tail) + rows*(len(s.row)+4*len(parts)))
	b.WriteString(s.head)
	number := fixed
	for row := range rows {
		if row > 0 {
			b.WriteByte(',')
		}
		for i, part := range parts {
			if i > 0 {
				number++
				b.WriteByte('$')
				b.WriteString(strconv.Itoa(number))
			}
			b.WriteString(part)
		}
	}
	b.WriteString(s.tail)
	return b.String()
}

// chunks calls f for each statement's share of n rows: how many one may have differs between the engines.
func (tx *Tx) chunks(n int, f func(from, to int) error) error {
	most := tx.db.engine.rows()
	for from := 0; from < n; from += most {
		if err := f(from, min(from+most, n)); err != nil {
			return err
		}
	}
	return nil
}

// parameters are the fixed ones and those of rows from to to.
func parameters(fixed []any, from, to int, row func(i int) []any) []any {
	args := append(make([]any, 0, len(fixed)+(to-from)*12), fixed...)
	for i := from; i < to; i++ {
		args = append(args, row(i)...)
	}
	return args
}

// setwise runs a statement over n rows and returns how many were affected.
func (tx *Tx) setwise(ctx context.Context, s statement, n int, fixed []any, row func(i int) []any) (affected int64, err error) {
	err = tx.chunks(n, func(from, to int) error {
		result, err := tx.execMany(ctx, s.sql(to-from, len(fixed)), parameters(fixed, from, to, row))
		if err != nil {
			return err
		}
		more, err := result.RowsAffected()
		affected += more
		return err
	})
	return affected, err
}

// query runs a statement that reads, over n rows of parameters, and calls scan for every row found.
func (tx *Tx) query(ctx context.Context, s statement, n int, fixed []any, row func(i int) []any, scan func(*sql.Rows) error) error {
	return tx.chunks(n, func(from, to int) error {
		rows, err := tx.queryMany(ctx, s.sql(to-from, len(fixed)), parameters(fixed, from, to, row))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// scanRow reads a row of SELECT * into the generated struct of its table, whose fields are the table's columns in order.
func scanRow(rows *sql.Rows, into any) error {
	v := reflect.ValueOf(into).Elem()
	fields := make([]any, v.NumField())
	for i := range fields {
		fields[i] = v.Field(i).Addr().Interface()
	}
	if err := rows.Scan(fields...); err != nil {
		return fmt.Errorf("read a row of %s: %w", v.Type().Name(), err)
	}
	return nil
}
