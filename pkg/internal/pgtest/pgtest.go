// Package pgtest gives a test an empty Postgres database of its own.
//
// It promises that the database is fresh, that no other test sees it, and that it is gone when the test has ended.
// It must never be imported by code that ships, and it never skips: a test that needs Postgres and does not get it
// fails, and says how to get it. The tests of packages that store something call it.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the environment variable with the URL of the server; its user must be allowed to create databases.
const Variable = "TEST_DATABASE_URL"

// patience bounds each conversation with the server; creating a database on a busy machine takes seconds.
const patience = time.Minute

// URL creates an empty database and returns its postgres:// URL. The database is dropped when the test and its
// subtests have ended, whoever is still connected to it. It may be called from several tests at once, and several
// times by one test: each call makes another database.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, os.Getenv(Variable))
}

// Copy is URL for a database that prepare has filled: it is called for the first database of that name on the server, all
// others are copies of it, which is much faster. The name must change whenever what prepare does changes.
func Copy(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	server := os.Getenv(Variable)
	if err := makeTemplate(server, name, prepare); err != nil {
		t.Fatalf("make the template of test databases: %v", err)
	}
	return createFrom(t, server, name)
}

// makeTemplate prepares a database under another name first, so that a half-made one is never copied. Processes that test
// at the same time wait for each other.
func makeTemplate(server, name string, prepare func(url string) error) error {
	template, err := databaseURL(server, randomName())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the server of %s: %w", Variable, err)
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }() // which gives the lock back
	if _, err := connection.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return err
	}
	var known bool
	if err := connection.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&known); err != nil || known {
		return err
	}
	raw := template.Path[1:]
	if _, err := connection.Exec(ctx, "CREATE DATABASE "+raw+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return err
	}
	if err := prepare(template.String()); err != nil {
		_, dropping := connection.Exec(ctx, "DROP DATABASE "+raw+" WITH (FORCE)")
		return errors.Join(err, dropping)
	}
	_, err = connection.Exec(ctx, "ALTER DATABASE "+raw+" RENAME TO "+name)
	return err
}

func create(t testing.TB, server string) string {
	t.Helper()
	// template0 admits no connections, so nobody's presence can make the copy fail.
	return createFrom(t, server, "template0 ENCODING 'UTF8'")
}

func createFrom(t testing.TB, server, template string) string {
	t.Helper()
	database, err := databaseURL(server, randomName())
	if err != nil {
		t.Fatalf("%v", err)
	}
	name := database.Path[1:]
	if err := execute(server, `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		t.Fatalf("create the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(server, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return database.String()
}

// databaseURL is the URL of the named database on the server.
func databaseURL(server, name string) (*url.URL, error) {
	if server == "" {
		return nil, errors.New(Variable + " is not set: run `make test`, or `scripts/with-postgres.sh go test ./pkg/…`, which bring a Postgres of their own")
	}
	database, err := url.Parse(server)
	if err != nil || (database.Scheme != "postgres" && database.Scheme != "postgresql") {
		// The parser's error would repeat the URL, password included.
		return nil, errors.New(Variable + " is not a postgres:// URL")
	}
	database.Path = "/" + name
	return database, nil
}

// randomName is a database name that needs no quoting.
func randomName() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return "anchor_test_" + hex.EncodeToString(b[:])
}

// execute runs one statement outside of any database transaction, which CREATE and DROP DATABASE ask for.
func execute(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the server of %s: %w", Variable, err)
	}
	_, err = connection.Exec(ctx, statement)
	return errors.Join(err, connection.Close(ctx))
}
