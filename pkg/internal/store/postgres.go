package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// channel is what processes LISTEN to; the payload is the topic.
const channel = "anchor"

type postgresEngine struct {
	db        *sql.DB
	listenURL string
	log       *slog.Logger
}

func openPostgres(ctx context.Context, db *DB, o Options) error {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return fmt.Errorf("database URL: %w", withoutSecrets(err))
	}
	config.RuntimeParams["application_name"] = "anchor"
	if o.Unsafe {
		config.RuntimeParams["synchronous_commit"] = "off"
	}
	pool := sql.OpenDB(clockConnector{stdlib.GetConnector(*config)})
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("connect to Postgres: %w", withoutSecrets(err)), pool.Close())
	}
	e := &postgresEngine{db: pool, listenURL: o.ListenURL, log: o.Log}
	if e.listenURL == "" {
		e.listenURL = o.URL
	}
	db.engine, db.write, db.read = e, pool, pool
	return nil
}

// withoutSecrets keeps the URL, which may hold a password, out of the text.
func withoutSecrets(err error) error {
	if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.New(parse.Error()) // pgx redacts the password in it
	}
	return err
}

func (e *postgresEngine) name() string { return "postgres" }

func (e *postgresEngine) lock(context.Context) (func(), error) { return func() {}, nil }

func (e *postgresEngine) clock(ctx context.Context, tx *sql.Tx) (now int64, err error) {
	err = tx.QueryRowContext(ctx, readClock).Scan(&now)
	return now, err
}

func (e *postgresEngine) retryable(err error) bool {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failure.Code == "40001" || failure.Code == "40P01") // serialization failure, deadlock
}

func (e *postgresEngine) exists(err error) bool {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	return ok && failure.Code == "23505"
}

func (e *postgresEngine) noTable(err error) bool {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	return ok && failure.Code == "42P01"
}

func (e *postgresEngine) skipLocked() string { return " FOR UPDATE SKIP LOCKED" }
func (e *postgresEngine) forUpdate() string  { return " FOR UPDATE" }
func (e *postgresEngine) snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}
func (e *postgresEngine) rows() int { return 200 }

func (e *postgresEngine) watch(ctx context.Context, woken func(Topic)) error {
	conn, err := pgx.Connect(ctx, e.listenURL)
	if err != nil {
		return withoutSecrets(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	woken("")
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		woken(Topic(n.Payload))
	}
}

// announce runs outside every transaction: NOTIFY inside one takes a lock of the whole database at commit.
func (e *postgresEngine) announce(topics []Topic) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, t := range topics {
		if _, err := e.db.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, string(t)); err != nil {
			e.log.Warn("could not announce work; it is found at the next interval", "error", err)
			return
		}
	}
}

func (e *postgresEngine) close() error { return nil }
