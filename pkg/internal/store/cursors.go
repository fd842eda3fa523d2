package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ErrCursorMoved means that a cursor does not stand where the caller believed, or that a younger lease has written it: what
// was to be stored was read by somebody whose time is over. Unlike ErrStale, running the same again cannot help.
var ErrCursorMoved = errors.New("the cursor was moved by another watcher")

// OtherChainError says that the database holds what happened on another network than the settings name.
type OtherChainError struct {
	Have string // the chain of the database
	Want string // the passphrase of the settings
}

func (e *OtherChainError) Error() string {
	return fmt.Sprintf("this database belongs to the network %q, but the settings name %q: set STELLAR_NETWORK_PASSPHRASE back, "+
		"or use a new database (DATABASE_URL)", passphraseOf(e.Have), e.Want)
}

// Cursor is a row of cursors: how far an account has been read. Position is the id of the last operation passed; everything
// up to and in ThroughLedger, which closed at ThroughClosedUs, is stored. It changes only together with what it passed.
type Cursor struct{ sqlgen.Cursor }

// ThroughClosed is when the ledger that the account was seen through closed; the zero time as long as it never was.
func (c Cursor) ThroughClosed() time.Time { return At(c.ThroughClosedUs) }

// Cursors lists how far each account has been read. One that no watcher has begun with is not among them.
func (db *DB) Cursors(ctx context.Context) ([]Cursor, error) {
	rows, err := db.q.ListCursors(ctx)
	if err != nil {
		return nil, fmt.Errorf("list cursors: %w", err)
	}
	list := make([]Cursor, len(rows))
	for i, row := range rows {
		list[i] = Cursor{row}
	}
	return list, nil
}

// CursorOf reads how far an account has been read; ErrNotFound before a watcher has begun with it.
func (db *DB) CursorOf(ctx context.Context, account string) (Cursor, error) {
	row, err := db.q.CursorOfAccount(ctx, account)
	return found(Cursor{row}, err, "cursor of account %s", account)
}

// CursorOf reads how far an account has been read, inside this Tx.
func (tx *Tx) CursorOf(ctx context.Context, account string) (Cursor, error) {
	row, err := tx.q.CursorOfAccount(ctx, account)
	return found(Cursor{row}, err, "cursor of account %s", account)
}

// OpenCursor takes the cursor of a receiving account for the holder of a lease, and makes it where there is none: it then
// stands before the ledger from which the account is watched. Watchers with an older fence can move it no more.
func (tx *Tx) OpenCursor(ctx context.Context, account, passphrase string, fence int64) (Cursor, error) {
	chain, err := tx.chain(ctx, passphrase)
	if err != nil {
		return Cursor{}, err
	}
	if err := tx.beginCursor(ctx, account, chain); err != nil {
		return Cursor{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return Cursor{}, err
	}
	n, err := tx.q.TakeCursor(ctx, sqlgen.TakeCursorParams{Fence: fence, NowUs: now, Account: account})
	if err != nil {
		return Cursor{}, fmt.Errorf("take the cursor of %s: %w", account, err)
	}
	if n != 1 {
		return Cursor{}, fmt.Errorf("take the cursor of %s under lease %d: %w", account, fence, ErrCursorMoved)
	}
	return tx.CursorOf(ctx, account)
}

// beginCursor makes the cursor of an account that nobody has read yet. What lies before its first ledger is not ours.
func (tx *Tx) beginCursor(ctx context.Context, account, chain string) error {
	a, err := tx.ReceivingAccount(ctx, account)
	if err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	_, err = tx.q.InsertCursor(ctx, sqlgen.InsertCursorParams{
		Account: account, Chain: chain, Position: before(a.FromLedger), ThroughLedger: max(a.FromLedger-1, 0),
		StartedLedger: a.FromLedger, NowUs: now,
	})
	if err != nil {
		return fmt.Errorf("begin the cursor of %s: %w", account, err)
	}
	return nil
}

// before is the position behind everything that happened before a ledger (SEP-35: ledger<<32 | transaction<<12 | operation).
func before(ledger int64) int64 { return max(ledger<<32-1, 0) }

// MoveCursor moves a cursor from where a page was read to where the page ends: compare and swap. It must come first in the
// Tx that stores what the page holds, so that two of them follow one another.
func (tx *Tx) MoveCursor(ctx context.Context, from, to Cursor, fence int64) (Cursor, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Cursor{}, err
	}
	n, err := tx.q.MoveCursor(ctx, sqlgen.MoveCursorParams{
		Position: to.Position, ThroughLedger: to.ThroughLedger, ThroughClosedUs: to.ThroughClosedUs, LedgerHash: to.LedgerHash,
		Fence: fence, NowUs: now, Account: from.Account, Chain: from.Chain, PositionBefore: from.Position,
	})
	if err != nil {
		return Cursor{}, fmt.Errorf("move the cursor of %s: %w", from.Account, err)
	}
	if n != 1 {
		return Cursor{}, fmt.Errorf("move the cursor of %s from %d under lease %d: %w", from.Account, from.Position, fence, ErrCursorMoved)
	}
	to.Fence, to.UpdatedUs = fence, now
	return to, nil
}

// RewindCursor has an account read again from a ledger on. Payments that are stored stay as they are; only what is missing
// is added. A cursor that stands before that ledger is left alone.
func (tx *Tx) RewindCursor(ctx context.Context, account string, ledger int64) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.q.RewindCursor(ctx, sqlgen.RewindCursorParams{Position: before(ledger), NowUs: now, Account: account}); err != nil {
		return fmt.Errorf("rewind the cursor of %s: %w", account, err)
	}
	return nil
}

// firstIncarnation: a test network that is reset begins another life under the same passphrase, in a database of its own.
const firstIncarnation = "/1"

// chain names the network whose payments this database holds: passphrase and incarnation, fixed at first use.
func (tx *Tx) chain(ctx context.Context, passphrase string) (string, error) {
	if _, err := tx.q.NameChain(ctx, passphrase+firstIncarnation); err != nil {
		return "", fmt.Errorf("name the chain: %w", err)
	}
	chain, err := tx.q.ChainName(ctx)
	if err != nil {
		return "", fmt.Errorf("read the name of the chain: %w", err)
	}
	if passphraseOf(chain) != passphrase {
		return "", &OtherChainError{Have: chain, Want: passphrase}
	}
	return chain, nil
}

func passphraseOf(chain string) string {
	if at := strings.LastIndexByte(chain, '/'); at >= 0 {
		return chain[:at]
	}
	return chain
}

// ExpiredTransactions lists unpaid transactions of a receiving account that ran out before a ledger that closed then, those
// that ran out first first. Those paid in part are among them until a refund of each part was asked for.
func (db *DB) ExpiredTransactions(ctx context.Context, account string, throughClosedUs int64, limit int) ([]string, error) {
	ids, err := db.q.ExpiredTransactions(ctx, sqlgen.ExpiredTransactionsParams{
		Account: account, ThroughClosedUs: throughClosedUs, Most: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("transactions of %s that ran out: %w", account, err)
	}
	return ids, nil
}
