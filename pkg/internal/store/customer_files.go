package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ErrNoRoom means that an account keeps as many files as it may that no customer has taken over yet.
var ErrNoRoom = errors.New("no room for another file")

// CustomerFile describes a row of customer_files: a file that was sent ahead of its field (SEP-12 "Customer Files"). As long
// as no customer has taken it over, its content is sealed under a key of its own; afterwards it is the field's value.
type CustomerFile struct {
	ID          string
	CustomerID  string // empty: not taken over yet
	Field       string // that took it over, by its canonical name
	ContentType string
	Size        int64 // bytes
	ExpiresUs   int64 // UTC microseconds; 0 once it was taken over
}

// FileOwner is who sent a file: a user of an account, or whichever user of it.
type FileOwner struct {
	Owner
	AnyUser bool // Owner's memo does not count
}

// FileRoom bounds what an account may keep here before customers take it over.
type FileRoom struct {
	Files int64
	Bytes int64
}

// AddFile keeps a file for a while. ErrNoRoom if the account of its owner has no room for it.
func (tx *Tx) AddFile(ctx context.Context, o Owner, v CustomerValue, lifetime time.Duration, room FileRoom) (CustomerFile, error) {
	if err := tx.makeRoom(ctx, o.Account, int64(len(v.Data)), room); err != nil {
		return CustomerFile{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return CustomerFile{}, err
	}
	f := CustomerFile{ID: NewID(), ContentType: v.ContentType, Size: int64(len(v.Data)), ExpiresUs: now + lifetime.Microseconds()}
	key, keyID, sealedKey, err := tx.db.keys.newDataKey(fileBound(f.ID))
	if err != nil {
		return CustomerFile{}, fmt.Errorf("data key of file %s: %w", f.ID, err)
	}
	err = tx.q.InsertCustomerFile(ctx, sqlgen.InsertCustomerFileParams{
		ID: f.ID, OwnerAccount: o.Account, MemoType: o.MemoType, Memo: o.Memo, ContentType: f.ContentType, Size: f.Size,
		KeyID: keyID, SealedKey: sealedKey, Sealed: key.seal(v.Data, contentBound(f.ID)), ExpiresUs: f.ExpiresUs, NowUs: now,
	})
	if err != nil {
		return CustomerFile{}, fmt.Errorf("insert file %s: %w", f.ID, err)
	}
	return f, nil
}

// makeRoom lets one request after the other count what an account keeps, so that many at once do not pass the bound.
func (tx *Tx) makeRoom(ctx context.Context, account string, size int64, room FileRoom) error {
	if tx.db.engine.forUpdate() != "" {
		if _, err := tx.tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "files of "+account); err != nil {
			return fmt.Errorf("wait to count files: %w", err)
		}
	}
	kept, err := tx.q.LooseFilesOfAccount(ctx, account)
	if err != nil {
		return fmt.Errorf("count files: %w", err)
	}
	if kept.Files >= room.Files || kept.Bytes+size > room.Bytes {
		return ErrNoRoom
	}
	return nil
}

// FileOf describes a file of whoever sent it; anybody else's, and one that has run out, is not found.
func (db *DB) FileOf(ctx context.Context, o FileOwner, id string) (f CustomerFile, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		f, err = fileOf(ctx, q, o, id, now)
		return err
	})
	return f, err
}

// FileOf describes a file of whoever sent it; anybody else's, and one that has run out, is not found.
func (tx *Tx) FileOf(ctx context.Context, o FileOwner, id string) (CustomerFile, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return CustomerFile{}, err
	}
	return fileOf(ctx, tx.q, o, id, now)
}

func fileOf(ctx context.Context, q *sqlgen.Queries, o FileOwner, id string, now int64) (CustomerFile, error) {
	if o.AnyUser {
		row, err := q.FileOfAccount(ctx, sqlgen.FileOfAccountParams{ID: id, OwnerAccount: o.Account, NowUs: now})
		return found(described(sqlgen.FilesOfCustomerRow(row)), err, "file %s", id)
	}
	row, err := q.FileOfUser(ctx, sqlgen.FileOfUserParams{ID: id, OwnerAccount: o.Account, MemoType: o.MemoType, Memo: o.Memo, NowUs: now})
	return found(described(sqlgen.FilesOfCustomerRow(row)), err, "file %s", id)
}

func described(row sqlgen.FilesOfCustomerRow) CustomerFile {
	return CustomerFile{
		ID: row.ID, CustomerID: row.CustomerID.String, Field: row.Field, ContentType: row.ContentType, Size: row.Size, ExpiresUs: row.ExpiresUs,
	}
}

// FilesOfCustomer lists the files that a customer's fields hold, oldest first; those sent together with the other values of
// a request are not among them.
func (db *DB) FilesOfCustomer(ctx context.Context, customerID string) ([]CustomerFile, error) {
	rows, err := db.q.FilesOfCustomer(ctx, nullable(customerID))
	if err != nil {
		return nil, fmt.Errorf("files of customer %s: %w", customerID, err)
	}
	list := make([]CustomerFile, len(rows))
	for i, row := range rows {
		list[i] = described(row)
	}
	slices.SortFunc(list, func(a, b CustomerFile) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// FileContent opens a file that nobody has taken over yet; ErrStale if somebody just did.
func (tx *Tx) FileContent(ctx context.Context, f CustomerFile) (CustomerValue, error) {
	row, err := tx.q.SealedFile(ctx, f.ID)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrStale
	}
	if err != nil {
		return CustomerValue{}, fmt.Errorf("file %s: %w", f.ID, err)
	}
	key, err := tx.db.keys.openDataKey(row.KeyID, row.SealedKey, fileBound(f.ID))
	if err != nil {
		return CustomerValue{}, err
	}
	data, err := key.open(row.Sealed, contentBound(f.ID))
	return CustomerValue{Data: data, ContentType: f.ContentType}, err
}

// takeFiles lets fields take files over, whose content is among the values that were just written. What another value took
// the place of is forgotten.
func (tx *Tx) takeFiles(ctx context.Context, customerID string, change CustomerChange, now int64) error {
	for _, field := range sortedKeys(change.Values) {
		if change.Values[field].ContentType == "" {
			continue
		}
		err := tx.q.ForgetFilesOfField(ctx, sqlgen.ForgetFilesOfFieldParams{CustomerID: nullable(customerID), Field: field})
		if err != nil {
			return fmt.Errorf("files of field %s of customer %s: %w", field, customerID, err)
		}
	}
	for _, field := range sortedKeys(change.Files) {
		err := one(tx.q.TakeFile(ctx, sqlgen.TakeFileParams{CustomerID: nullable(customerID), Field: field, ID: change.Files[field], NowUs: now}))
		if err != nil {
			return fmt.Errorf("file %s for customer %s: %w", change.Files[field], customerID, err)
		}
	}
	return nil
}

// prunedAtOnce bounds how many files are removed in one statement: they are large.
const prunedAtOnce = 50

// PruneFiles removes files that ran out before a customer took them over and returns how many they were. One call does a
// bounded part of the work.
func (db *DB) PruneFiles(ctx context.Context) (n int64, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		n, err = tx.q.PruneFiles(ctx, sqlgen.PruneFilesParams{NowUs: now, Most: prunedAtOnce})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune files: %w", err)
	}
	return n, nil
}

func fileBound(id string) string    { return "customer_files/" + id }
func contentBound(id string) string { return "customer_files.content/" + id }
