package main

import (
	"maps"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// isTurnedAway: an account that is not on the list may log in, as anybody may, and agree nothing.
func isTurnedAway(t require.TestingT, w *wallet, _ []string) {
	account, err := keypair.Random()
	require.NoError(t, err)
	other := newWallet(w.ctx, w.home, w.network.HorizonURL, account)
	other.logsIn(t)
	other.posts(t, http.StatusForbidden, "100", nil, nil)
}

// opens: CODE BALANCE FILE logs the wallet in, with a balance of the asset from the issuer whose seed is in the file.
func opens(t require.TestingT, w *wallet, args []string) {
	w.logsIn(t)
	w.holds(t, args[0], args[1], filepath.Join(w.folder, args[2]))
}

// refused is the answer to a request that was refused.
type refused struct {
	Error  string
	Type   string
	Fields map[string]map[string]struct{ Description string }
}

// isAskedForCustomers: nothing is agreed for people who are not known.
func isAskedForCustomers(t require.TestingT, w *wallet, _ []string) {
	require.Empty(t, w.sender, "the wallet has registered its people already")
	var answer refused
	w.posts(t, http.StatusBadRequest, "100", map[string]string{routingNumber: known, accountNumber: open}, &answer)
	require.Equal(t, refused{Error: "customer_info_needed", Type: senderType}, answer)
}

func registers(t require.TestingT, w *wallet, _ []string) { w.registers(t) }

// isAskedFor: FIELDS ROUTING ACCOUNT… is refused, and told which fields are wrong.
func isAskedFor(t require.TestingT, w *wallet, args []string) {
	given := map[string]string{}
	if args[1] != "" || args[2] != "" {
		given = map[string]string{routingNumber: args[1], accountNumber: args[2]}
	}
	var answer refused
	w.posts(t, http.StatusBadRequest, "100", given, &answer)
	require.Equal(t, "transaction_info_needed", answer.Error)
	requireNames(t, args[0], answer.Fields["transaction"])
}

func requireNames[V any](t require.TestingT, want string, fields map[string]V) {
	names := slices.Sorted(maps.Keys(fields))
	switch want {
	case "both":
		require.Equal(t, []string{accountNumber, routingNumber}, names)
	default:
		require.Equal(t, []string{want}, names)
	}
}

// starts agrees on a transfer and pays it.
func starts(t require.TestingT, w *wallet, amount, routing, account string) (id string) {
	var tx agreed
	w.posts(t, http.StatusCreated, amount, map[string]string{routingNumber: routing, accountNumber: account}, &tx)
	w.pays(t, tx, amount)
	return tx.ID
}

// completes: AMOUNT OUT ROUTING ACCOUNT is sent and arrives.
func completes(t require.TestingT, w *wallet, args []string) {
	arrives(t, w, starts(t, w, args[0], args[2], args[3]), args[0], args[1])
}

func arrives(t require.TestingT, w *wallet, id, in, out string) {
	tx := w.follows(t, id, "completed")
	require.Equal(t, in, tx.AmountIn)
	require.Equal(t, out, tx.AmountOut)
	require.NotEmpty(t, tx.External)
	require.Empty(t, tx.Required)
}

// corrects: AMOUNT OUT ROUTING WRONG RIGHT is sent to an account that only the payout finds wrong, and arrives at the right one.
func corrects(t require.TestingT, w *wallet, args []string) {
	id := starts(t, w, args[0], args[2], args[3])
	asked := w.follows(t, id, "pending_transaction_info_update")
	requireNames(t, accountNumber, asked.Required["transaction"])
	require.NotEmpty(t, asked.Message)
	require.NotContains(t, asked.Message, args[3])

	var answer refused
	w.updates(t, http.StatusBadRequest, id, map[string]string{accountNumber: "12AB56"}, &answer)
	requireNames(t, accountNumber, answer.Fields["transaction"])
	w.updates(t, http.StatusBadRequest, id, map[string]string{routingNumber: args[2]}, nil) // not asked for
	w.updates(t, http.StatusOK, id, map[string]string{accountNumber: args[4]}, nil)
	arrives(t, w, id, args[0], args[1])
}

// paidEachOnce looks into the bank's ledger: every transfer of the wallet is there, once, and nothing else.
func paidEachOnce(t require.TestingT, w *wallet, _ []string) {
	payments, err := simulated.Bank(filepath.Join(w.folder, "bank.jsonl")).Payments()
	require.NoError(t, err)
	var paid []string
	for _, payment := range payments {
		require.False(t, payment.Refused)
		paid = append(paid, payment.TransactionID)
	}
	require.Len(t, paid, 2)
	require.ElementsMatch(t, w.sent, paid)
}
