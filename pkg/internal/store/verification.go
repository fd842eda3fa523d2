package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// NewCode is a verification code that was sent to a customer (SEP-12 "Verification").
type NewCode struct {
	Text     string // never to be logged
	Tries    int64
	Lifetime time.Duration
}

// codesWindow is the time over which the codes that a field was sent are counted.
const codesWindow = time.Hour

// SentCode is a code that a field waits for. Text is opened; never to be logged.
type SentCode struct {
	Text  string // empty: only the business can compare it
	Tries int64  // that are left
	Over  bool   // its time is
}

// CodesOfCustomer opens the codes that fields of a customer wait for, by the field's canonical name. Lock the customer
// before where something is decided on them.
func (tx *Tx) CodesOfCustomer(ctx context.Context, c Customer) (map[string]SentCode, error) {
	rows, err := tx.q.CodesOfCustomer(ctx, c.ID)
	if err != nil || len(rows) == 0 {
		return nil, wrapped(err, "codes of customer %s", c.ID)
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	key, err := tx.db.customerKey(c)
	if err != nil {
		return nil, err
	}
	codes := make(map[string]SentCode, len(rows))
	for _, row := range rows {
		if row.SealedCode == "" {
			codes[row.Name] = SentCode{Tries: row.TriesLeft}
			continue
		}
		text, err := key.open(row.SealedCode, codeBound(c.ID, row.Name))
		if err != nil {
			return nil, err
		}
		codes[row.Name] = SentCode{Text: string(text), Tries: row.TriesLeft, Over: row.ExpiresUs <= now}
	}
	return codes, nil
}

// CountDownCode takes one try off the code of a field.
func (tx *Tx) CountDownCode(ctx context.Context, customerID, name string) error {
	err := one(tx.q.CountDownCode(ctx, sqlgen.CountDownCodeParams{CustomerID: customerID, Name: name}))
	return wrapped(err, "code of field %s of customer %s", name, customerID)
}

// CountGuess takes one try off a code that only the business can compare; tries is how many there are altogether. Count
// before it is asked: an answer that never comes is a try as well.
func (tx *Tx) CountGuess(ctx context.Context, customerID, name string, tries int64) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = one(tx.q.CountGuess(ctx, sqlgen.CountGuessParams{CustomerID: customerID, Name: name, TriesLeft: tries - 1, NowUs: now}))
	return wrapped(err, "guess at field %s of customer %s", name, customerID)
}

// SentWithin tells how many codes the field was sent within the hour that ends now (UTC microseconds), counted from the first
// of them, and when that hour is over.
func (f CustomerField) SentWithin(now int64) (codes, untilUs int64) {
	untilUs = f.CodesSinceUs + codesWindow.Microseconds()
	if untilUs <= now {
		return 0, now
	}
	return f.Codes, untilUs
}

// countCodes counts the fields that begin to wait for a code, or for another one, before their new status is written.
func (tx *Tx) countCodes(ctx context.Context, customerID string, fields map[string]JudgedField, now int64) error {
	for _, name := range sortedKeys(fields) {
		if fields[name].Status != anchor.FieldVerificationRequired {
			continue
		}
		err := tx.q.CountSentCode(ctx, sqlgen.CountSentCodeParams{
			WindowUs: now - codesWindow.Microseconds(), NowUs: now, CustomerID: customerID, Name: name, Another: fields[name].Code != nil,
		})
		if err != nil {
			return fmt.Errorf("count codes of field %s of customer %s: %w", name, customerID, err)
		}
	}
	return nil
}

// putCodes keeps the codes that were sent with the judgement of fields.
func (tx *Tx) putCodes(ctx context.Context, c Customer, fields map[string]JudgedField, now int64) error {
	for _, name := range sortedKeys(fields) {
		code := fields[name].Code
		if code == nil {
			continue
		}
		if fields[name].Status != anchor.FieldVerificationRequired {
			return errors.New("a code without a field that waits for it")
		}
		key, err := tx.db.customerKey(c)
		if err != nil {
			return err
		}
		err = tx.q.PutVerificationCode(ctx, sqlgen.PutVerificationCodeParams{
			CustomerID: c.ID, Name: name, SealedCode: key.seal([]byte(code.Text), codeBound(c.ID, name)), TriesLeft: code.Tries,
			ExpiresUs: now + code.Lifetime.Microseconds(), NowUs: now,
		})
		if err != nil {
			return fmt.Errorf("code of field %s of customer %s: %w", name, c.ID, err)
		}
	}
	return nil
}

func codeBound(id, name string) string { return "verification_codes." + name + "/" + id }

// wrapped adds what was being done; nil stays nil.
func wrapped(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(what+": %w", append(args, err)...)
}
