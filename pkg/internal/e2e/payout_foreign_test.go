//go:build foreign

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// TestExampleServers_carry_the_transfers_that_every_business_carries runs them over the servers in Node and in Python.
func TestExampleServers_carry_the_transfers_that_every_business_carries(t *testing.T) {
	for name, program := range map[string][]string{
		"the Node server":   {"node", "../../../examples/node-server/server.mjs"},
		"the Python server": {"python3", "../../../examples/python-server/server.py"},
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine string) {
				ledger := filepath.Join(t.TempDir(), "payouts.jsonl")
				carryTransfers(t, engine, integration{
					world:  func(t *testing.T, engine string) *world { return newForeignWorld(t, engine, program, ledger) },
					killed: byServer(),
					books:  func(w *world) { translate(t, ledger, string(w.bank)) },
				})
			})
		})
	}
}

// newForeignWorld is a world whose business has a server of those in examples/, with a ledger of its own.
func newForeignWorld(t *testing.T, engine string, program []string, ledger string) *world {
	t.Helper()
	w := newWorld(t, engine, plan{})
	secret := bytes.Repeat([]byte{5}, 32)
	address := freeAddress(t)
	keys := "k1:" + base64.StdEncoding.EncodeToString(secret)
	w.env = append(w.env, "ACTIVE_SEPS=sep-1,sep-10,sep-12,sep-31,sep-38", "ANCHOR_REMOTE_URL=http://"+address, "ANCHOR_REMOTE_KEYS="+keys,
		"ANCHOR_REMOTE_PARTS=receiver,customers,quotes,fee", "ANCHOR_REMOTE_TIMEOUT=5s", "ANCHOR_REMOTE_RAIL_TIMEOUT=1s")
	require.NoError(t, os.WriteFile(w.settings, []byte(remoteYAML), 0o600))
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Env = append(os.Environ(), "PORT="+port, "ANCHOR_KEYS="+keys, "LEDGER="+ledger, "SENDING_ANCHORS=*", "DELIVERS_AFTER_MS=300",
		"SELL_ASSET=stellar:"+assetCode+":"+w.issuer.Address())
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", program[0], &complaints)
		}
	})
	w.await("the business' server listens", func() bool { return listens(address) })
	return w
}

func listens(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// translate writes a server's ledger anew as the simulated bank keeps its own, line by line: what was paid twice stays so.
func translate(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	require.NoError(t, err)
	var books bytes.Buffer
	for line := range bytes.Lines(raw) {
		var entry struct {
			Key           anchor.PayoutKey `json:"key"`
			TransactionID string           `json:"transaction_id"`
			Amount        string           `json:"amount"`
			Asset         string           `json:"asset"`
			ExternalID    string           `json:"external_id"`
			Closed        bool             `json:"closed"`
		}
		require.NoError(t, json.Unmarshal(line, &entry), "%s", line)
		require.NoError(t, json.NewEncoder(&books).Encode(simulated.Payment{
			Key: entry.Key, TransactionID: entry.TransactionID, Amount: entry.Amount, Asset: entry.Asset, ExternalID: entry.ExternalID,
			Refused: entry.Closed,
		}))
	}
	require.NoError(t, os.WriteFile(to, books.Bytes(), 0o600))
}
