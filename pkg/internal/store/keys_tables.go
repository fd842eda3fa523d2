package store

import (
	"context"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// wrappedTables are all of them: what a master key is needed for.
func wrappedTables() []wrappedTable {
	return []wrappedTable{
		{"customers", customerBound, customersToRewrap, rewrapCustomer},
		{"transactions", transactionBound, transactionsToRewrap, rewrapTransaction},
		{"customer_files", fileBound, filesToRewrap, rewrapFile},
		{"receiving_accounts", seedBinding, seedsToRewrap, rewrapSeed},
	}
}

func customersToRewrap(ctx context.Context, db *DB, after string, most int32) ([]wrappedSecret, error) {
	rows, err := db.q.CustomersToRewrap(ctx, sqlgen.CustomersToRewrapParams{After: after, KeyID: db.keys.keys[0].id, Most: most})
	return secretsOf(rows, err, func(r sqlgen.CustomersToRewrapRow) wrappedSecret { return wrappedSecret{r.ID, r.KeyID, r.SealedKey} })
}

func transactionsToRewrap(ctx context.Context, db *DB, after string, most int32) ([]wrappedSecret, error) {
	rows, err := db.q.TransactionsToRewrap(ctx, sqlgen.TransactionsToRewrapParams{After: after, KeyID: db.keys.keys[0].id, Most: most})
	return secretsOf(rows, err, func(r sqlgen.TransactionsToRewrapRow) wrappedSecret { return wrappedSecret{r.ID, r.KeyID, r.SealedKey} })
}

func filesToRewrap(ctx context.Context, db *DB, after string, most int32) ([]wrappedSecret, error) {
	rows, err := db.q.FilesToRewrap(ctx, sqlgen.FilesToRewrapParams{After: after, KeyID: db.keys.keys[0].id, Most: most})
	return secretsOf(rows, err, func(r sqlgen.FilesToRewrapRow) wrappedSecret { return wrappedSecret{r.ID, r.KeyID, r.SealedKey} })
}

func secretsOf[R any](rows []R, err error, secret func(R) wrappedSecret) ([]wrappedSecret, error) {
	list := make([]wrappedSecret, len(rows))
	for i, row := range rows {
		list[i] = secret(row)
	}
	return list, err
}

// seedsToRewrap has no pages: there are few accounts.
func seedsToRewrap(ctx context.Context, db *DB, after string, _ int32) ([]wrappedSecret, error) {
	if after != "" {
		return nil, nil
	}
	accounts, err := db.ReceivingAccounts(ctx)
	if err != nil {
		return nil, err
	}
	var list []wrappedSecret
	for _, a := range accounts {
		if keyID, sealed := a.sealedSeed(); a.HasSeed() && keyID != db.keys.keys[0].id {
			list = append(list, wrappedSecret{a.Account, keyID, sealed})
		}
	}
	return list, nil
}

func rewrapCustomer(ctx context.Context, q *sqlgen.Queries, s rewrappedSecret) (int64, error) {
	return q.RewrapCustomer(ctx, sqlgen.RewrapCustomerParams{KeyID: s.keyID, SealedKey: s.sealed, ID: s.before.id, SealedKeyBefore: s.before.sealed})
}

func rewrapTransaction(ctx context.Context, q *sqlgen.Queries, s rewrappedSecret) (int64, error) {
	return q.RewrapTransaction(ctx, sqlgen.RewrapTransactionParams{KeyID: s.keyID, SealedKey: s.sealed, ID: s.before.id, SealedKeyBefore: s.before.sealed})
}

func rewrapFile(ctx context.Context, q *sqlgen.Queries, s rewrappedSecret) (int64, error) {
	return q.RewrapFile(ctx, sqlgen.RewrapFileParams{KeyID: s.keyID, SealedKey: s.sealed, ID: s.before.id, SealedKeyBefore: s.before.sealed})
}

func rewrapSeed(ctx context.Context, q *sqlgen.Queries, s rewrappedSecret) (int64, error) {
	return q.UpdateSeed(ctx, sqlgen.UpdateSeedParams{
		Signer: signerSealed, SealedSeed: s.keyID + ":" + s.sealed, Account: s.before.id, SealedSeedBefore: s.before.keyID + ":" + s.before.sealed,
	})
}
