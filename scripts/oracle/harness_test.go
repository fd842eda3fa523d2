// Package oracle compares the anchor's reading of ledgers with that of Stellar's own SDK, on a real ledger of the public
// network and on ledgers of the sandbox. It must never be linked into the anchor. `make test-foreign` runs it.
package oracle

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/stellar/go-stellar-sdk/ingest"
	"github.com/stellar/go-stellar-sdk/processors/token_transfer"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

// increase is one increase of an account's balance by somebody else's operation.
type increase struct {
	operation int64
	account   string
	asset     string // native or CODE:ISSUER
	units     int64
}

// byTheSDK counts the increases that the SDK's token transfer processor finds in a ledger, by the operations that are
// payments: trades, claims and fees are left out, and so is what an issuer gets back of its own asset.
func byTheSDK(t *testing.T, meta xdr.LedgerCloseMeta, passphrase string) map[increase]int {
	t.Helper()
	found := map[increase]int{}
	reader, err := ingest.NewLedgerTransactionReaderFromLedgerCloseMeta(passphrase, meta)
	require.NoError(t, err)
	processor := token_transfer.NewEventsProcessor(passphrase)
	for {
		tx, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		if !tx.Result.Successful() {
			continue
		}
		results, ok := tx.Result.OperationResults()
		require.True(t, ok)
		for i, op := range tx.Envelope.Operations() {
			if !isPayment(op.Body.Type) {
				continue
			}
			events, err := processor.EventsFromOperation(tx, uint32(i), op, results[i])
			require.NoError(t, err)
			if isPathPayment(op.Body.Type) {
				events = events[len(events)-1:] // those before it are trades
			}
			for _, e := range events {
				id := int64(meta.LedgerSequence())<<32 | int64(tx.Index)<<12 | int64(i+1)
				if gained, ok := increaseOf(t, e, id); ok {
					found[gained]++
				}
			}
		}
	}
}

func isPathPayment(kind xdr.OperationType) bool {
	return kind == xdr.OperationTypePathPaymentStrictReceive || kind == xdr.OperationTypePathPaymentStrictSend
}

func isPayment(kind xdr.OperationType) bool {
	return isPathPayment(kind) || kind == xdr.OperationTypePayment || kind == xdr.OperationTypeCreateAccount ||
		kind == xdr.OperationTypeAccountMerge || kind == xdr.OperationTypeInvokeHostFunction
}

func increaseOf(t *testing.T, e *token_transfer.TokenTransferEvent, operation int64) (increase, bool) {
	t.Helper()
	if e.GetAsset() == nil {
		return increase{}, false // not a Stellar asset
	}
	from, to := "", ""
	switch {
	case e.GetTransfer() != nil:
		from, to = e.GetTransfer().From, e.GetTransfer().To
	case e.GetMint() != nil:
		to = e.GetMint().To
	default:
		return increase{}, false
	}
	units, err := strconv.ParseInt(e.GetAmount(), 10, 64)
	require.NoError(t, err)
	asset := e.GetAsset().ToXdrAsset()
	gained := increase{operation, to, asset.StringCanonical(), units}
	return gained, to != from && to[0] == 'G' && units > 0 && asset.GetIssuer() != to
}

// byUs counts the increases that our source finds for all these accounts behind the beginning of a ledger.
func byUs(t *testing.T, source *rpc.Source, accounts []string, after int64) map[increase]int {
	t.Helper()
	found := map[increase]int{}
	for _, account := range accounts {
		for _, p := range everyPayment(t, source, account, after) {
			require.Empty(t, p.Unreadable)
			asset := p.AssetCode
			if p.AssetIssuer != "" {
				asset += ":" + p.AssetIssuer
			}
			if p.AssetIssuer != account {
				found[increase{p.OperationID, account, asset, p.Units}]++
			}
		}
	}
	return found
}

func everyPayment(t *testing.T, source *rpc.Source, account string, after int64) []stellar.Payment {
	t.Helper()
	var all []stellar.Payment
	for {
		page, err := source.Payments(t.Context(), account, after, stellar.MaxLimit)
		require.NoError(t, err)
		all, after = append(all, page.Payments...), page.Position
		if !page.Full {
			return all
		}
	}
}

// accountsOf are all accounts that a ledger could be about: whoever is named in its XDR by way of its movements.
func accountsOf(t *testing.T, meta xdr.LedgerCloseMeta, passphrase string) []string {
	t.Helper()
	named := map[string]bool{}
	reader, err := ingest.NewLedgerTransactionReaderFromLedgerCloseMeta(passphrase, meta)
	require.NoError(t, err)
	for {
		tx, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return slices.Sorted(maps.Keys(named))
		}
		require.NoError(t, err)
		source := tx.Envelope.SourceAccount().ToAccountId()
		named[source.Address()] = true
		changes, err := tx.GetChanges()
		require.NoError(t, err)
		for _, change := range changes {
			for _, entry := range []*xdr.LedgerEntry{change.Pre, change.Post} {
				if entry == nil {
					continue
				}
				if account, ok := entry.Data.GetAccount(); ok {
					named[account.AccountId.Address()] = true
				}
				if line, ok := entry.Data.GetTrustLine(); ok {
					named[line.AccountId.Address()] = true
				}
			}
		}
	}
}

// serving is an RPC server that has one ledger.
func serving(t *testing.T, raw []byte, sequence uint32) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "result": map[string]any{
		"latestLedger": sequence, "oldestLedger": sequence,
		"ledgers": []any{map[string]any{"sequence": sequence, "metadataXdr": base64.StdEncoding.EncodeToString(raw)}},
	}})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s", text) }))
	t.Cleanup(server.Close)
	return server.URL
}
