package customers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const canary = "CANARY-7f3a"

// leaveTraces does everything that is done with a customer and its transactions, with personal data that can be told apart.
func leaveTraces(t *testing.T, db *store.DB) {
	d := newDesk(t, db)
	who := withMemo(account(), "1")
	values := map[string]string{"first_name": canary, "bank_account_number": canary, "x.note": canary}
	front := map[string]customers.File{"photo_id_front": {Data: append(photo(8), canary...)}}
	id := d.mustPut(who, customers.Put{Type: receiver, Values: values, Files: front})
	deal := d.fund(d.agree(d.asset(), who.Account, id, 1))
	d.tx(func(ctx context.Context, tx *store.Tx) error {
		locked, err := tx.LockTransaction(ctx, deal.ID)
		if err != nil {
			return err
		}
		need := anchor.Need{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "no such account"}
		if err := tx.NeedCustomerInfo(ctx, id, receiver, []anchor.Need{need}, "test"); err != nil {
			return err
		}
		_, err = tx.Reconsider(ctx, locked, "test", "the rail needs information")
		return err
	})
	d.mustPut(who, customers.Put{Values: map[string]string{"bank_account_number": canary + "2"}})
	d.mustAdd(who, append(photo(8), canary...))
	d.business.answer(sends("mobile_number", canary))
	d.mustPut(who, customers.Put{Values: map[string]string{"mobile_number": canary}})
	require.NotEmpty(t, d.history(id))
	require.NoError(t, d.Delete(t.Context(), who, customers.Delete{}))
}

func requireNoCanary(t *testing.T, where, what string) {
	t.Helper()
	require.NotContains(t, what, canary, where)
	require.NotContains(t, what, "canary-of-the-transaction", where)
}

func TestPersonalData_is_nowhere_in_the_files_of_SQLite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	leaveTraces(t, storetest.Open(t, "sqlite:"+filepath.Join(folder, "anchor.db")))
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	size := 0
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(folder, file.Name()))
		require.NoError(t, err)
		size += len(raw)
		requireNoCanary(t, file.Name(), string(raw))
	}
	require.Greater(t, size, 10_000, "there was something to search")
}

func TestPersonalData_is_in_no_row_of_Postgres(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	leaveTraces(t, storetest.Open(t, url))
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	tables := texts(t, conn, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`)
	require.Contains(t, tables, "customer_fields")
	all := ""
	for _, table := range tables {
		rows := strings.Join(texts(t, conn, fmt.Sprintf(`SELECT CAST(t AS TEXT) FROM %s t`, table)), "\n")
		requireNoCanary(t, table, rows)
		all += rows
	}
	require.Contains(t, all, "bank_account_number", "there was something to search, events among it")
	require.Contains(t, all, "pending_customer_info_update", "callbacks among it")
}

func texts(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}

func TestAValue_cannot_be_moved_to_another_field_or_customer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		row := func(id string) store.Customer {
			c, err := d.db.CustomerByID(t.Context(), id)
			require.NoError(t, err)
			return c
		}
		ada := row(d.register(plain(account())))
		eve := row(d.register(plain(account())))
		fields, err := d.db.FieldsOfCustomer(t.Context(), ada.ID)
		require.NoError(t, err)
		_, err = d.db.OpenCustomerFields(ada, map[string]store.CustomerField{"last_name": fields["first_name"]})
		require.Error(t, err)
		_, err = d.db.OpenCustomerFields(eve, fields)
		require.Error(t, err)
		eve.KeyID, eve.SealedKey = ada.KeyID, ada.SealedKey
		_, err = d.db.OpenCustomerFields(eve, fields)
		require.Error(t, err, "a data key is bound to its customer")
	})
}
