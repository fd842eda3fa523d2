package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// IDs are the ids of the master keys, the one that wraps first.
func (k Keyring) IDs() []string {
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id
	}
	return ids
}

// rewrap seals a secret that lies under any of the keys under the first, bound to the same use. What the secret itself
// seals is not touched.
func (k Keyring) rewrap(keyID, sealed, bound string) (firstID, resealed string, err error) {
	secret, err := k.unwrap(keyID, sealed, bound)
	if err != nil {
		return "", "", err
	}
	return k.wrap(secret, bound)
}

// KeyUse says what is wrapped under one master key.
type KeyUse struct {
	ID           string
	Known        bool  // this process has it
	Customers    int64 // data keys of customers
	Transactions int64 // data keys of transactions
	Files        int64 // data keys of files that no customer has taken over
	Seeds        int64 // of receiving accounts
}

// Total is how much is lost without the key.
func (u KeyUse) Total() int64 { return u.Customers + u.Transactions + u.Files + u.Seeds }

// KeysInUse tells what is wrapped under which master key: those of this process first, in their order, whether anything is or
// not, then those that it does not have. It counts whole tables: for operators.
func (db *DB) KeysInUse(ctx context.Context) ([]KeyUse, error) {
	var uses []KeyUse
	for _, id := range db.keys.IDs() {
		uses = append(uses, KeyUse{ID: id, Known: true})
	}
	known := len(uses)
	of := func(id string) *KeyUse {
		i := slices.IndexFunc(uses, func(u KeyUse) bool { return u.ID == id })
		if i < 0 {
			i, uses = len(uses), append(uses, KeyUse{ID: id})
		}
		return &uses[i]
	}
	if err := db.countDataKeys(ctx, of); err != nil {
		return nil, fmt.Errorf("count data keys: %w", err)
	}
	accounts, err := db.ReceivingAccounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if a.HasSeed() {
			id, _ := a.sealedSeed()
			of(id).Seeds++
		}
	}
	slices.SortFunc(uses[known:], func(a, b KeyUse) int { return strings.Compare(a.ID, b.ID) })
	return uses, nil
}

func (db *DB) countDataKeys(ctx context.Context, of func(id string) *KeyUse) error {
	customers, err := db.q.KeysOfCustomers(ctx)
	if err != nil {
		return err
	}
	for _, row := range customers {
		of(row.KeyID).Customers = row.Keys
	}
	transactions, err := db.q.KeysOfTransactions(ctx)
	if err != nil {
		return err
	}
	for _, row := range transactions {
		of(row.KeyID).Transactions = row.Keys
	}
	files, err := db.q.KeysOfFiles(ctx)
	if err != nil {
		return err
	}
	for _, row := range files {
		of(row.KeyID).Files = row.Keys
	}
	return nil
}

// sealedSeed takes the column apart. What is sealed holds no colon, an id might; a damaged one has no id.
func (a ReceivingAccount) sealedSeed() (keyID, sealed string) {
	at := strings.LastIndexByte(a.SealedSeed, ':')
	return a.SealedSeed[:max(at, 0)], a.SealedSeed[at+1:]
}

// Rewrapped is what a step of Rewrap came to.
type Rewrapped struct {
	Done    int      // keys and seeds that lie under the first master key now
	Damaged []string // what does not open with the key that it names, as customers/ID; it stays as it is
	End     bool     // there is nothing more to look at
}

// Rewrap is one walk through everything that a master key wraps. It is for one goroutine; several walks, in several
// processes, do no harm to each other.
type Rewrap struct {
	db    *DB
	table int
	after string
}

// NewRewrap begins at the beginning.
func (db *DB) NewRewrap() *Rewrap { return &Rewrap{db: db} }

// Next wraps up to limit data keys or seeds under the first master key that lie under another one, and commits. What they
// seal is not touched, and stays readable throughout for every process that has both keys. A key that is destroyed at the
// same moment stays destroyed. ErrNoKey if one lies under a key that this process does not have. After an error, or in a new
// walk, it goes on where it was.
func (r *Rewrap) Next(ctx context.Context, limit int) (Rewrapped, error) {
	if len(r.db.keys.keys) == 0 {
		return Rewrapped{}, ErrNoKey
	}
	tables := wrappedTables()
	for r.table < len(tables) {
		table := tables[r.table]
		page, err := table.page(ctx, r.db, r.after, int32(min(max(limit, 1), 10_000)))
		if err != nil {
			return Rewrapped{}, fmt.Errorf("%s whose keys are to be wrapped anew: %w", table.name, err)
		}
		if len(page) > 0 {
			return r.rewrap(ctx, table, page)
		}
		r.table, r.after = r.table+1, ""
	}
	return Rewrapped{End: true}, nil
}

func (r *Rewrap) rewrap(ctx context.Context, table wrappedTable, page []wrappedSecret) (result Rewrapped, err error) {
	var anew []rewrappedSecret
	for _, secret := range page {
		keyID, sealed, err := r.db.keys.rewrap(secret.keyID, secret.sealed, table.bound(secret.id))
		switch {
		case err == nil:
			anew = append(anew, rewrappedSecret{secret, keyID, sealed})
		case r.db.keys.has(secret.keyID):
			result.Damaged = append(result.Damaged, table.name+"/"+secret.id)
		default:
			return Rewrapped{}, fmt.Errorf("%s %s: %w", table.name, secret.id, err)
		}
	}
	err = r.db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		result.Done = 0
		for _, secret := range anew { // in the order of their ids, in which everybody locks them
			n, err := table.write(ctx, tx.q, secret)
			if err != nil {
				return err
			}
			result.Done += int(n)
		}
		return nil
	})
	if err != nil {
		return Rewrapped{}, fmt.Errorf("wrap keys of %s anew: %w", table.name, err)
	}
	r.after = page[len(page)-1].id
	return result, nil
}

func (k Keyring) has(id string) bool { return slices.Contains(k.IDs(), id) }

// wrappedSecret is a data key or a seed as it is stored.
type wrappedSecret struct{ id, keyID, sealed string }

// rewrappedSecret is the same under the first master key.
type rewrappedSecret struct {
	before        wrappedSecret
	keyID, sealed string
}

// wrappedTable is a table with such secrets.
type wrappedTable struct {
	name  string
	bound func(id string) string
	page  func(ctx context.Context, db *DB, after string, most int32) ([]wrappedSecret, error)
	write func(ctx context.Context, q *sqlgen.Queries, s rewrappedSecret) (int64, error)
}
