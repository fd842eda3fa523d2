package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// books is what the database tells of what is on the network.
type books struct {
	db       *store.DB // open and of a schema that can be read; nil: there is none
	assets   []store.Asset
	accounts []store.ReceivingAccount
	cursors  []store.Cursor
	now      time.Time // by the database's clock
}

// askew is by how much a clock may differ from another before it is said.
const askew = 5 * time.Second

func (x *examination) database(ctx context.Context) []Finding {
	const check = "database"
	if x.plan.OpenDatabase == nil {
		return nil
	}
	if file := x.plan.DatabaseFile; file != "" {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) { // opening would make it
			return []Finding{bad(check, "there is no file "+file, "run 'anchor migrate', or set DATABASE_URL to the file that you mean")}
		}
	}
	db, err := x.plan.OpenDatabase(ctx)
	if err != nil {
		return []Finding{bad(check, "cannot be opened: "+err.Error(), "look at DATABASE_URL, and whether the database is running and lets this machine in")}
	}
	if err := db.CheckSchema(ctx); err != nil {
		mend := "run 'anchor migrate' with this program"
		if !errors.Is(err, store.ErrSchema) {
			mend = "look at DATABASE_URL, and whether the database is running and lets this machine in"
		}
		return append([]Finding{bad(check, err.Error(), mend)}, closed(db)...)
	}
	return x.readable(ctx, db)
}

func closed(db *store.DB) []Finding {
	if err := db.Close(); err != nil {
		return []Finding{bad("database", "cannot be closed: "+err.Error(), "look at the database's log")}
	}
	return nil
}

// readable looks at what is in a database of the right schema, and keeps it open for the checks that come after.
func (x *examination) readable(ctx context.Context, db *store.DB) []Finding {
	found := []Finding{good("database", db.Engine()+", its schema is up to date")}
	b, err := readBooks(ctx, db)
	if err != nil {
		return append(append(found, unreadable("database", err)), closed(db)...)
	}
	found = append(found, x.databaseClock(db, b.now))
	for _, look := range []func(context.Context, *store.DB) []Finding{x.chain, x.masterKeys, x.restored} {
		found = append(found, look(ctx, db)...)
	}
	if len(b.assets) == 0 {
		found = append(found, bad("assets", "none is registered: nothing can be received", "register one with 'anchor create-asset'"))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.books = b
	return found
}

// opened is the database, once it is known that it can be read.
func (x *examination) opened() (books, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.books, x.books.db != nil
}

func readBooks(ctx context.Context, db *store.DB) (b books, err error) {
	b.db = db
	var errs [4]error
	b.assets, errs[0] = db.Assets(ctx)
	b.accounts, errs[1] = db.ReceivingAccounts(ctx)
	b.cursors, errs[2] = db.Cursors(ctx)
	b.now, errs[3] = db.Clock(ctx)
	return b, errors.Join(errs[:]...)
}

func unreadable(check string, err error) Finding {
	return bad(check, "cannot be read: "+err.Error(), "look at the database's log")
}

func (x *examination) databaseClock(db *store.DB, now time.Time) Finding {
	const check = "database clock"
	if db.Engine() == "sqlite" {
		return good(check, "is that of this machine")
	}
	if off := now.Sub(x.plan.Now()); off.Abs() > askew {
		return bad(check, fmt.Sprintf("differs from this machine's by %s", off.Round(time.Second)), "let both machines set their clocks by NTP")
	}
	return good(check, "agrees with this machine's")
}

// chain compares the network that the database belongs to with the one of the settings.
func (x *examination) chain(ctx context.Context, db *store.DB) []Finding {
	const check = "network of the database"
	name, err := db.Meta(ctx, "chain")
	if err != nil {
		return []Finding{unreadable(check, err)}
	}
	passphrase := name
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		passphrase = name[:at]
	}
	switch {
	case name == "":
		return []Finding{good(check, "none yet: the first watcher says")}
	case passphrase != x.plan.Passphrase:
		return []Finding{bad(check, fmt.Sprintf("is %q, but the settings name %q", passphrase, x.plan.Passphrase),
			"set STELLAR_NETWORK_PASSPHRASE back, or use a new database (DATABASE_URL)")}
	default:
		return []Finding{good(check, fmt.Sprintf("is that of the settings, %q", passphrase))}
	}
}

func (x *examination) masterKeys(ctx context.Context, db *store.DB) []Finding {
	const check = "master keys"
	uses, err := db.KeysInUse(ctx)
	if err != nil {
		return []Finding{unreadable(check, err)}
	}
	var found []Finding
	known, wrapped := 0, int64(0)
	for _, use := range uses {
		wrapped += use.Total()
		if use.Known {
			known++
		} else {
			found = append(found, bad(check, fmt.Sprintf("the key %q, under which %d secrets lie, is not there", use.ID, use.Total()),
				"put it back into ANCHOR_MASTER_KEYS, behind the others; a copy of it was to be kept"))
		}
	}
	damaged, err := db.TryKeys(ctx)
	if err != nil {
		return append(found, unreadable(check, err))
	}
	if len(damaged) > 0 {
		found = append(found, bad(check, "do not open "+strings.Join(damaged, ", "),
			"a key has the right id and other bytes than before, or the rows are damaged: give ANCHOR_MASTER_KEYS as it was"))
	}
	if known == 0 && len(found) == 0 {
		return []Finding{bad(check, "there is none: nobody can be registered", "set ANCHOR_MASTER_KEYS; 'anchor init' makes one")}
	}
	if len(found) == 0 {
		found = append(found, good(check, fmt.Sprintf("%d, and they open what is stored (%d secrets)", known, wrapped)))
	}
	return found
}

func (x *examination) restored(ctx context.Context, db *store.DB) []Finding {
	const check = "restored copy"
	err := db.Restored(ctx)
	switch {
	case err != nil && !isRestored(err):
		return []Finding{unreadable(check, err)}
	case err != nil:
		return []Finding{bad(check, err.Error(), "run 'anchor reconcile --after-restore'")}
	}
	return nil
}

// leastFree is the room on the disk below which it is said.
const leastFree = 1 << 30

func (x *examination) disk(context.Context) []Finding {
	const check = "disk"
	if x.plan.DatabaseFile == "" {
		return nil
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(x.plan.DatabaseFile), &fs); err != nil {
		return []Finding{bad(check, "cannot be looked at: "+err.Error(), "look whether the folder of the database exists")}
	}
	free := fs.Bavail * uint64(fs.Bsize)
	const mebi = 1 << 20
	if free < leastFree {
		return []Finding{bad(check, fmt.Sprintf("only %d MiB are free where the database is", free/mebi), "make room, before a write fails")}
	}
	return []Finding{good(check, fmt.Sprintf("%d MiB are free where the database is", free/mebi))}
}
