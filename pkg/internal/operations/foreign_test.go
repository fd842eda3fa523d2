//go:build foreign

package operations_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
)

// eachExample runs a test with each of the servers in examples/, beside an operations API that has a key for it.
func eachExample(t *testing.T, test func(t *testing.T, s *site, k apikeys.Key, e example)) {
	t.Parallel()
	for name, command := range map[string][]string{
		"the Node server":   {"node", "../../../examples/node-server/server.mjs"},
		"the Python server": {"python3", "../../../examples/python-server/server.py"},
	} {
		t.Run(name, func(t *testing.T) {
			s := aSite(t)
			k, token := s.key(apikeys.WriteCustomers, apikeys.ReportPayouts)
			test(t, s, k, startExample(t, command, "OPERATIONS_URL="+s.url, "OPERATIONS_KEY="+token))
		})
	}
}

// example is a server that was started, with the anchor's side of the line to it.
type example struct {
	anchor.Business
	url    string
	ledger string
}

const bankSecret = "what the bank and the server share"

func startExample(t *testing.T, command []string, env ...string) example {
	t.Helper()
	e := example{ledger: filepath.Join(t.TempDir(), "payouts.jsonl")}
	key := remote.Key{ID: "k1", Secret: bytes.Repeat([]byte{7}, 32)}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), append(env, "PORT=0", "LEDGER="+e.ledger, "BANK_SECRET="+bankSecret, "SCREENING_TAKES_MS=200",
		"ANCHOR_KEYS=k1:"+base64.StdEncoding.EncodeToString(key.Secret))...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	e.url = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	e.Business, err = remote.New(remote.Options{
		URL: e.url, Keys: []remote.Key{key}, Parts: remote.Parts{Customers: true, Rails: map[string]remote.RailTerms{"bank": {}}}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return e
}

// news posts what the bank says.
func (e example) news(t *testing.T, body, secret string) int {
	t.Helper()
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = h.Write([]byte(body))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+"/bank-webhook", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Bank-Signature", hex.EncodeToString(h.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	return response.StatusCode
}

func TestExampleServers_report_what_the_bank_sent_back(t *testing.T) {
	eachExample(t, func(t *testing.T, s *site, k apikeys.Key, e example) {
		p := anchor.Payout{Key: payoutKey, TransactionID: transactionID, Amount: "12.30", Asset: payoutAsset}
		o, err := e.Rails["bank"].ExecuteOutgoing(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeDelivered, o.Kind())
		back := `{"id":"n1","reference":"` + o.ExternalID() + `","state":"returned","reason":"the account was closed"}`

		require.Equal(t, http.StatusUnauthorized, e.news(t, back, "another secret"))
		for _, nonsense := range []string{`x`, `null`, `[]`, `{"id":1,"reference":[],"state":"returned"}`, `{"state":"returned"}`} {
			require.Equal(t, http.StatusBadRequest, e.news(t, nonsense, bankSecret))
		}
		require.Equal(t, http.StatusNotFound, e.news(t, `{"id":"n0","reference":"X","state":"returned"}`, bankSecret))
		require.Equal(t, http.StatusOK, e.news(t, `{"id":"n0","reference":"X","state":"booked"}`, bankSecret))
		require.Empty(t, s.written())

		s.fail(anchor.RefuseAs(anchor.CodeUnavailable, ""))
		require.Equal(t, http.StatusServiceUnavailable, e.news(t, back, bankSecret), "the bank has to come again")
		s.fail(nil)
		for range 3 {
			require.Equal(t, http.StatusOK, e.news(t, back, bankSecret))
		}
		require.Equal(t, []string{"api_key:" + k.ID + ": returned the account was closed"}, s.written())

		news, err := e.Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{p})
		require.NoError(t, err)
		require.Equal(t, anchor.Returned("the account was closed"), news[payoutKey], "its books and its news say the same")
		ledger, err := os.ReadFile(e.ledger)
		require.NoError(t, err)
		require.Len(t, strings.Split(strings.TrimSpace(string(ledger)), "\n"), 2)
	})
}

func TestExampleServers_say_later_who_is_accepted(t *testing.T) {
	eachExample(t, func(t *testing.T, s *site, k apikeys.Key, e example) {
		s.fail(anchor.RefuseAs(anchor.CodeUnavailable, ""))
		v, err := e.Customers.Put(t.Context(), anchor.CustomerPut{Type: "sep31-sender", Customer: &anchor.Customer{
			ID: customerID, Version: 4, Values: map[string]string{"first_name": "Ada"},
		}})
		require.NoError(t, err)
		require.Equal(t, anchor.CustomerProcessing, v.Status)
		require.Equal(t, anchor.FieldProcessing, v.Fields["first_name"].Status)
		require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "status=503") }, 10*time.Second, 10*time.Millisecond, "the anchor is away at first")
		s.fail(nil)
		want := "api_key:" + k.ID + ": sep31-sender is ACCEPTED, version 4, fields map[first_name:{ACCEPTED  }]"
		require.Eventually(t, func() bool { return len(s.written()) == 1 && s.written()[0] == want }, 10*time.Second, 10*time.Millisecond)
	})
}
