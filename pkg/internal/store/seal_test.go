package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// WriterPool and ReaderPool let the tests of package store_test look behind the methods.
func (db *DB) WriterPool() *sql.DB { return db.write }

// ReaderPool is the pool that requests read with.
func (db *DB) ReaderPool() *sql.DB { return db.read }

// TransactionForTest reads a row without locking it, as somebody would who forgot to.
func (tx *Tx) TransactionForTest(ctx context.Context, id string) (Transaction, error) {
	row, err := tx.q.TransactionByID(ctx, id)
	return Transaction{row}, err
}

// ring makes a keyring of keys named a, b, …, each of its own bytes.
func ring(t require.TestingT, ids ...string) Keyring {
	var k Keyring
	for _, id := range ids {
		var err error
		k, err = k.Add(id, bytes.Repeat([]byte(id[:1]), 32))
		require.NoError(t, err)
	}
	return k
}

func TestWhat_is_wrapped_opens_with_its_key_and_binding_only(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret, bound := rapid.SliceOf(rapid.Byte()).Draw(t, "secret"), rapid.String().Draw(t, "bound")
		keyID, sealed, err := ring(t, "a").wrap(secret, bound)
		require.NoError(t, err)
		opened, err := ring(t, "a").unwrap(keyID, sealed, bound)
		require.NoError(t, err)
		require.True(t, bytes.Equal(secret, opened))

		_, err = ring(t, "a").unwrap(keyID, sealed, bound+"x")
		require.Error(t, err, "moved to another row it does not open")
		_, err = ring(t, "b").unwrap(keyID, sealed, bound)
		require.ErrorIs(t, err, ErrNoKey)
	})
}

func TestA_key_of_the_right_name_and_other_bytes_opens_nothing(t *testing.T) {
	t.Parallel()
	keyID, sealed, err := ring(t, "a").wrap([]byte("secret"), "x")
	require.NoError(t, err)
	other, err := Keyring{}.Add("a", bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	_, err = other.unwrap(keyID, sealed, "x")
	require.ErrorContains(t, err, "does not open")
	require.NotContains(t, err.Error(), "secret")
}

func TestTampering_with_any_byte_of_a_sealed_value_is_noticed(t *testing.T) {
	t.Parallel()
	keys := ring(t, "a")
	keyID, sealed, err := keys.wrap([]byte("account 12345678"), "customers/1")
	require.NoError(t, err)
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	require.NoError(t, err)
	for i := range raw {
		forged := bytes.Clone(raw)
		forged[i] ^= 1
		_, err := keys.unwrap(keyID, base64.RawStdEncoding.EncodeToString(forged), "customers/1")
		require.Errorf(t, err, "byte %d", i)
	}
	for _, forged := range []string{"", "!", sealed[:len(sealed)-4], sealed + "AAAA", sealed[:16]} {
		_, err := keys.unwrap(keyID, forged, "customers/1")
		require.Error(t, err)
	}
}

func TestThe_same_value_is_never_sealed_the_same_way_twice(t *testing.T) {
	t.Parallel()
	keys, seen := ring(t, "a"), map[string]bool{}
	for range 100 {
		_, sealed, err := keys.wrap([]byte("Silva"), "x")
		require.NoError(t, err)
		require.False(t, seen[sealed], "equal values would show")
		seen[sealed] = true
	}
}

func TestA_new_master_key_seals_from_now_on_and_the_old_one_still_opens(t *testing.T) {
	t.Parallel()
	oldID, oldSealed, err := ring(t, "a").wrap([]byte("old"), "x")
	require.NoError(t, err)
	rotated := ring(t, "b", "a")
	newID, newSealed, err := rotated.wrap([]byte("new"), "x")
	require.NoError(t, err)
	require.Equal(t, "b", newID, "the first key seals")
	for _, keys := range []Keyring{rotated, ring(t, "a", "b")} {
		opened, err := keys.unwrap(oldID, oldSealed, "x")
		require.NoError(t, err)
		require.Equal(t, "old", string(opened))
		opened, err = keys.unwrap(newID, newSealed, "x")
		require.NoError(t, err)
		require.Equal(t, "new", string(opened))
	}
	_, err = ring(t, "b").unwrap(oldID, oldSealed, "x")
	require.ErrorIs(t, err, ErrNoKey)
	require.ErrorContains(t, err, "ANCHOR_MASTER_KEYS")
}

func TestKeyrings_refuse_keys_that_are_none(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]struct {
		id  string
		key []byte
	}{"no id": {"", make([]byte, 32)}, "16 bytes": {"a", make([]byte, 16)}, "no bytes": {"a", nil}, "33 bytes": {"a", make([]byte, 33)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Keyring{}.Add(add.id, add.key)
			require.Error(t, err)
		})
	}
	_, err := ring(t, "a").Add("a", make([]byte, 32))
	require.ErrorContains(t, err, "twice")
	_, _, err = Keyring{}.wrap(nil, "x")
	require.ErrorIs(t, err, ErrNoKey)
}

func TestAdding_to_a_keyring_leaves_the_others_alone(t *testing.T) {
	t.Parallel()
	base := ring(t, "a", "b", "x")
	one, err := base.Add("c", bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	two, err := base.Add("d", bytes.Repeat([]byte{2}, 32))
	require.NoError(t, err)
	require.Len(t, base.keys, 3)
	require.Equal(t, "c", one.keys[3].id)
	require.Equal(t, "d", two.keys[3].id)
}

func TestData_keys_are_bound_to_their_subject(t *testing.T) {
	t.Parallel()
	keys := ring(t, "a")
	key, keyID, wrapped, err := keys.newDataKey("customers/1")
	require.NoError(t, err)
	sealed := key.seal([]byte("Silva"), "customers/1/last_name")

	again, err := keys.openDataKey(keyID, wrapped, "customers/1")
	require.NoError(t, err)
	value, err := again.open(sealed, "customers/1/last_name")
	require.NoError(t, err)
	require.Equal(t, "Silva", string(value))
	_, err = again.open(sealed, "customers/1/first_name")
	require.Error(t, err, "a value put into another field does not open")
	_, err = keys.openDataKey(keyID, wrapped, "customers/2")
	require.ErrorContains(t, err, "customers/2", "nor does a key given to another customer")
	_, err = keys.openDataKey(keyID, "", "customers/1")
	require.Error(t, err, "a key that was destroyed is gone")

	_, _, other, err := keys.newDataKey("customers/1")
	require.NoError(t, err)
	stranger, err := keys.openDataKey(keyID, other, "customers/1")
	require.NoError(t, err)
	_, err = stranger.open(sealed, "customers/1/last_name")
	require.Error(t, err, "every data key is another one")
}

func TestA_seed_is_stored_under_the_id_of_its_key(t *testing.T) {
	t.Parallel()
	keys, err := Keyring{}.Add("2026:first", bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	db := &DB{keys: keys}
	keyID, sealed, err := keys.wrap([]byte("SSEED"), seedBinding("GA"))
	require.NoError(t, err)
	var a ReceivingAccount
	a.Account, a.SealedSeed = "GA", keyID+":"+sealed
	seed, err := db.openSeed(a)
	require.NoError(t, err)
	require.Equal(t, "SSEED", seed)

	a.Account = "GB"
	_, err = db.openSeed(a)
	require.Error(t, err, "moved to another account it does not open")
	a.SealedSeed = strings.ReplaceAll(a.SealedSeed, ":", "")
	_, err = db.openSeed(a)
	require.ErrorContains(t, err, "damaged")
}
