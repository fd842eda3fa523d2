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

// SentCode is a code that a field waits for. Text is opened; never to be logged.
type SentCode struct {
	Text  string
	Tries int64 // that are left
	Over  bool  // its time is
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
