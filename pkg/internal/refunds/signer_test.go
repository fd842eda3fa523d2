package refunds_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// vault is a remote signer that has the key of the receiving account.
type vault struct {
	*world
	answer func(http.ResponseWriter, map[string]any) bool // true: it has answered
	asked  atomic.Int64
}

func (v *vault) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	v.asked.Add(1)
	var asked map[string]any
	if req.Header.Get("Authorization") != "Bearer secret-token" || json.NewDecoder(req.Body).Decode(&asked) != nil {
		http.Error(rw, "{}", http.StatusUnauthorized)
		return
	}
	if v.answer != nil && v.answer(rw, asked) {
		return
	}
	v.write(rw, v.sign(asked["envelope_xdr"].(string)))
}

func (v *vault) sign(envelope string) string {
	generic, err := txnbuild.TransactionFromXDR(envelope)
	if err != nil {
		return ""
	}
	inner, _ := generic.Transaction()
	signed, err := inner.Sign(passphrase, v.account)
	if err != nil {
		return ""
	}
	text, _ := signed.Base64()
	return text
}

func (v *vault) write(rw http.ResponseWriter, envelope string) {
	_ = json.NewEncoder(rw).Encode(map[string]string{"envelope_xdr": envelope}) // the client sees a broken answer
}

// remote is an engine whose account is signed for elsewhere.
func (w *world) remote(v *vault) (*refunds.Service, string) {
	server := httptest.NewServer(v)
	w.Cleanup(server.Close)
	signer, err := refunds.NewRemote(refunds.RemoteOptions{URL: server.URL + "/sign?key=in-the-address", Token: "secret-token"})
	require.NoError(w, err)
	s := refunds.New(w.db, w.horizon, signer, nil, refunds.Options{
		Passphrase: passphrase, TimeBound: timeBound, Lease: time.Nanosecond, CallTimeout: 5 * time.Second,
	})
	s.Hurry(func(time.Duration) time.Duration { return 0 })
	return s, server.URL
}

func TestA_remote_signer_signs_what_it_is_told_the_meaning_of(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		v := &vault{world: w}
		var seen map[string]any
		v.answer = func(_ http.ResponseWriter, asked map[string]any) bool {
			seen = asked
			return false
		}
		s, _ := w.remote(v)
		r := w.asked(3 * unit)
		w.execute(s)
		w.read()
		w.execute(s)
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
		require.Equal(t, w.account.Address(), seen["account"])
		require.Equal(t, passphrase, seen["network_passphrase"])
		require.Equal(t, w.attempts(r.ID)[0].InnerHash, seen["hash"])
		meant := seen["refund"].(map[string]any)
		require.Equal(t, r.ID, meant["id"])
		require.Equal(t, w.payer.Address(), meant["destination"])
		require.Equal(t, "3", meant["amount"])
		require.Equal(t, "stellar:USDC:"+w.issuer.Address(), meant["asset"])
	})
}

func TestNothing_is_sent_that_the_signer_was_not_asked_to_sign(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(*vault) func(http.ResponseWriter, map[string]any) bool
		state  anchor.RefundState
		why    string
	}{
		"it refuses": {func(*vault) func(http.ResponseWriter, map[string]any) bool {
			return func(rw http.ResponseWriter, _ map[string]any) bool {
				rw.WriteHeader(http.StatusForbidden)
				_, err := rw.Write([]byte(`{"error":"not on a Sunday"}`))
				return err == nil
			}
		}, anchor.RefundHeld, "not on a Sunday"},
		"it is down": {func(*vault) func(http.ResponseWriter, map[string]any) bool {
			return func(rw http.ResponseWriter, _ map[string]any) bool {
				rw.WriteHeader(http.StatusBadGateway)
				return true
			}
		}, anchor.RefundReady, "status 502"},
		"it signs another envelope": {func(v *vault) func(http.ResponseWriter, map[string]any) bool {
			return func(rw http.ResponseWriter, _ map[string]any) bool {
				v.write(rw, v.sign(v.theft()))
				return true
			}
		}, anchor.RefundReady, "another envelope"},
		"it does not sign": {func(v *vault) func(http.ResponseWriter, map[string]any) bool {
			return func(rw http.ResponseWriter, asked map[string]any) bool {
				v.write(rw, asked["envelope_xdr"].(string))
				return true
			}
		}, anchor.RefundReady, "without a signature"},
		"it answers nonsense": {func(*vault) func(http.ResponseWriter, map[string]any) bool {
			return func(rw http.ResponseWriter, _ map[string]any) bool {
				_, err := rw.Write([]byte("<html>"))
				return err == nil
			}
		}, anchor.RefundReady, "no JSON"},
		"it breaks off": {func(*vault) func(http.ResponseWriter, map[string]any) bool {
			return func(http.ResponseWriter, map[string]any) bool { panic(http.ErrAbortHandler) }
		}, anchor.RefundReady, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				v := &vault{world: w}
				v.answer = c.answer(v)
				s, address := w.remote(v)
				r := w.asked(3 * unit)
				w.execute(s)
				r = w.refund(r.ID)
				require.Equal(t, c.state, r.State)
				require.Contains(t, r.Trouble, c.why)
				require.NotContains(t, r.Trouble, "secret-token")
				require.NotContains(t, r.Trouble, "in-the-address")
				require.NotContains(t, r.Trouble, address)
				require.Empty(t, w.attempts(r.ID))
				require.Empty(t, w.back())
				require.Positive(t, v.asked.Load())
			})
		})
	}
}

// theft is an envelope that sends the money elsewhere.
func (v *vault) theft() string {
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: v.account.Address(), Sequence: 1}, BaseFee: 100,
		Operations:    []txnbuild.Operation{v.payment(v.stranger.Address(), unit)},
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	if err != nil {
		return ""
	}
	text, _ := tx.Base64()
	return text
}

func TestAn_account_without_any_signer_has_its_refunds_held(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		signers := refunds.NewSigners(w.db, nil)
		_, err := signers.SignRefund(t.Context(), anchor.RefundToSign{Account: w.account.Address(), EnvelopeXDR: "AAAA", NetworkPassphrase: passphrase})
		require.Error(t, err, "what is no envelope is not signed")
		require.NotContains(t, err.Error(), w.account.Seed())
		w.tx(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddReceivingAccount(ctx, w.stranger.Address(), 1)
			return err
		})
		_, err = signers.SignRefund(t.Context(), anchor.RefundToSign{Account: w.stranger.Address()})
		require.Contains(t, anchor.ProblemOf(err).Text, "ANCHOR_SIGNER_URL")
	})
}

func TestNewRemote_refuses_what_is_no_web_address_without_repeating_it(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "signer", "ftp://signer/?key=secret", "https://", "https://a\x7f?key=secret"} {
		_, err := refunds.NewRemote(refunds.RemoteOptions{URL: address})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
}
