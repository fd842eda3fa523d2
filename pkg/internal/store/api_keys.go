package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// SubjectAPIKey are the keys of the operations API, whose history begins with their creation and ends with their revocation.
const SubjectAPIKey SubjectKind = "api_key"

// Causes of events about a key of the operations API.
const (
	APIKeyCreated anchor.Cause = "created"
	APIKeyRevoked anchor.Cause = "revoked"
)

// Words for the status of a key in its history, and the numbers of its two events.
const (
	apiKeyValid   = "valid"
	apiKeyRevoked = "revoked"

	apiKeyBegins = 1
	apiKeyEnds   = 2
)

// APIKey is a row of api_keys: a key of the operations API. Of the key itself there is only its hash.
type APIKey struct{ sqlgen.ApiKey }

// CreateAPIKey stores a new key with its first event, good for lifetime by the database's clock. Times are set here. ErrExists
// means that the id is taken.
func (tx *Tx) CreateAPIKey(ctx context.Context, k APIKey, lifetime time.Duration, c anchor.Change) (APIKey, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return APIKey{}, err
	}
	k.CreatedBy, k.CreatedUs, k.ExpiresUs = c.Actor, now, now+lifetime.Microseconds()
	err = tx.q.InsertAPIKey(ctx, sqlgen.InsertAPIKeyParams{
		ID: k.ID, Name: k.Name, Hash: k.Hash, Scopes: k.Scopes, CreatedBy: k.CreatedBy, CreatedUs: k.CreatedUs, ExpiresUs: k.ExpiresUs,
	})
	if tx.db.engine.exists(err) {
		return APIKey{}, fmt.Errorf("API key %s: %w", k.ID, ErrExists)
	}
	if err != nil {
		return APIKey{}, fmt.Errorf("insert API key %s: %w", k.ID, err)
	}
	c.Cause = APIKeyCreated
	return k, tx.event(ctx, SubjectAPIKey, k.ID, apiKeyBegins, "", apiKeyValid, c)
}

// RevokeAPIKey ends a key for good and records it; revoked is false for one that was revoked before, which stays as it is.
// ErrNotFound if there is none of this id.
func (tx *Tx) RevokeAPIKey(ctx context.Context, id string, c anchor.Change) (revoked bool, err error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return false, err
	}
	n, err := tx.q.RevokeAPIKey(ctx, sqlgen.RevokeAPIKeyParams{RevokedUs: now, ID: id})
	if err != nil {
		return false, fmt.Errorf("revoke API key %s: %w", id, err)
	}
	if n == 0 {
		_, err := tx.q.APIKeyByID(ctx, id)
		_, err = found(id, err, "API key")
		return false, err
	}
	c.Cause = APIKeyRevoked
	return true, tx.event(ctx, SubjectAPIKey, id, apiKeyEnds, apiKeyValid, apiKeyRevoked, c)
}

// APIKey reads one key; ErrNotFound if there is none of this id.
func (db *DB) APIKey(ctx context.Context, id string) (APIKey, error) {
	row, err := db.q.APIKeyByID(ctx, id)
	return found(APIKey{row}, err, "API key")
}

// APIKeys lists all keys, those that are over included, in the order in which they were created.
func (db *DB) APIKeys(ctx context.Context) ([]APIKey, error) {
	rows, err := db.q.ListAPIKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	list := make([]APIKey, len(rows))
	for i, row := range rows {
		list[i] = APIKey{row}
	}
	return list, nil
}

// NoteUseOfAPIKey records that a key was used at now, unless its last use is recorded to be less than interval ago.
func (db *DB) NoteUseOfAPIKey(ctx context.Context, id string, now time.Time, interval time.Duration) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.q.NoteUseOfAPIKey(ctx, sqlgen.NoteUseOfAPIKeyParams{NowUs: now.UnixMicro(), ID: id, BeforeUs: now.Add(-interval).UnixMicro()})
	})
	if err != nil {
		return fmt.Errorf("note the use of API key %s: %w", id, err)
	}
	return nil
}

// PaidAmount is what a payout moves, in units of 10^-Decimals of the asset (SEP-38 asset id).
type PaidAmount struct {
	Units, Decimals int64
	Asset           string
}

// AmountOfAttempt tells what the payout of an attempt moves; ErrNotFound for a key that no attempt has.
func (db *DB) AmountOfAttempt(ctx context.Context, key anchor.PayoutKey) (PaidAmount, error) {
	row, err := db.q.AmountOfAttempt(ctx, string(key))
	return found(PaidAmount{Units: row.AmountUnits, Decimals: row.AmountDecimals, Asset: row.AmountAsset}, err, "payout key")
}
