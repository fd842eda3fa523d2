package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// speaker is a program of the business that speaks first.
type speaker struct {
	w     *world
	token string
	key   string // id of its API key
}

// speaker makes an API key and has somebody use it.
func (w *world) speaker(scopes string) speaker {
	w.Helper()
	token := strings.TrimSpace(w.must("keys", "create", "--name", "e2e", "--scope", scopes))
	return speaker{w, token, strings.Split(token, "_")[1]}
}

// ask asks the operator's address of a process; the idempotency key may be empty.
func (p speaker) ask(r *role, method, path, idempotencyKey string, body any) (status int, answer string) {
	p.w.Helper()
	raw, err := json.Marshal(body)
	require.NoError(p.w, err)
	request, err := http.NewRequestWithContext(p.w.Context(), method, "http://"+r.operator+"/operations"+path, bytes.NewReader(raw))
	require.NoError(p.w, err)
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.w, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(p.w, err)
	return response.StatusCode, string(text)
}

// requireRecorded reports something that must be taken.
func (p speaker) requireRecorded(r *role, path, idempotencyKey string, body any) {
	p.w.Helper()
	status, text := p.ask(r, http.MethodPost, path, idempotencyKey, body)
	require.Equal(p.w, http.StatusOK, status, text)
	require.JSONEq(p.w, `{"recorded":true}`, text)
}

func TestABankThatSaysLaterThatAPayoutCameBack_is_heard_once_and_for_all(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		roles := w.startAll()
		serve := roles[0]
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		a := w.sendingAnchors(ctx, 1)[0]
		done := w.sendEach(ctx, a, []sender.Transfer{a.of("one", "100"), a.of("two", "50")})
		back := done[0].state.ID
		keys := w.db.texts("SELECT a.key FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id WHERE p.transaction_id = $1", back)
		require.Len(t, keys, 1)
		bank, path := w.speaker("payouts:report"), "/payouts/"+keys[0]+"/outcome"

		paid := object{"outcome": "delivered", "external_id": "B-1"}
		bank.requireRecorded(serve, path, "news-1", paid)
		news := object{"outcome": "returned", "why": "the account was closed", "amount": out(t, done[0]), "asset": "stellar:" + assetCode + ":" + w.issuer.Address()}
		wrong := object{"outcome": "returned", "why": "the account was closed", "amount": "0.01", "asset": news["asset"]}
		status, text := bank.ask(serve, http.MethodPost, path, "", wrong)
		require.Equal(t, http.StatusConflict, status, text)
		var at sync.WaitGroup
		for range 8 {
			at.Go(func() { bank.requireRecorded(serve, path, "news-2", news) })
		}
		at.Wait()
		require.Equal(t, []string{"returned"}, w.db.texts("SELECT state FROM payouts WHERE transaction_id = $1", back))
		require.Equal(t, []string{"payout 1, attempt 1: returned after it was delivered"}, w.db.texts("SELECT conflict FROM transactions WHERE id = $1", back))
		require.EqualValues(t, 1, w.db.number("SELECT COUNT(*) FROM events WHERE subject_kind = 'payout' AND to_status = 'returned' AND actor = $1", "api_key:"+bank.key))

		serve.kill()
		serve.restart()
		w.awaitOK(serve.answers)
		w.awaitOK("http://" + serve.operator + "/healthz")
		before := w.db.number("SELECT COUNT(*) FROM attempt_answers")
		bank.requireRecorded(serve, path, "news-1", paid)
		bank.requireRecorded(serve, path, "news-2", news)
		status, _ = bank.ask(serve, http.MethodPost, path, "news-2", paid)
		require.Equal(t, http.StatusConflict, status)
		require.Equal(t, before, w.db.number("SELECT COUNT(*) FROM attempt_answers"), "what was said before is not said again")

		status, text = bank.ask(serve, http.MethodGet, "/transactions/"+back, "", nil)
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, text, "transactions:read")
		status, text = w.speaker("transactions:read").ask(serve, http.MethodGet, "/transactions/"+back, "", nil)
		require.Equal(t, http.StatusOK, status, text)
		require.Contains(t, text, `"id":"`+back+`"`)
		status, _ = bank.ask(roles[1], http.MethodPost, path, "", news)
		require.Equal(t, http.StatusNotFound, status, "only serve has it")

		require.Contains(t, w.must("keys", "list"), bank.key)
		require.NotContains(t, w.must("keys", "list", "--json"), bank.token)
		w.must("keys", "revoke", bank.key, "--reason", "the test is over")
		status, _ = bank.ask(serve, http.MethodPost, path, "news-2", news)
		require.Equal(t, http.StatusUnauthorized, status)
		stopAll(roles)
		for name, log := range w.logs() {
			require.NotContains(t, log, strings.Split(bank.token, "_")[2], "I13: %s", name)
			require.NotContains(t, log, "the account was closed", name)
		}
	})
}

func TestAPayoutWaits_until_a_late_verdict_comes(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		roles := w.startAll()
		serve := roles[0]
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		a := w.sendingAnchors(ctx, 1)[0]
		screening, path := w.speaker("customers:write,transactions:read"), "/customers/"+a.to+"/status"

		agreed := w.agreeEach(ctx, a, 1)
		screening.requireRecorded(serve, path, "doubt", object{"type": "sep31-receiver", "status": "PROCESSING"})
		w.payEach(ctx, a, agreed)
		w.await("the payout waits for the verdict", func() bool {
			return w.db.number("SELECT COUNT(*) FROM payouts WHERE state = 'waiting' AND waits_for = 'kyc'") == 1
		})
		status, text := screening.ask(serve, http.MethodPost, path, "late", object{"type": "sep31-receiver", "status": "ACCEPTED", "version": 1 << 40})
		require.Equal(t, http.StatusConflict, status, text)
		require.Contains(t, text, "look at it again")
		screening.requireRecorded(serve, path, "verdict", object{"type": "sep31-receiver", "status": "ACCEPTED"})
		all := w.followEach(ctx, a, agreed)
		require.EqualValues(t, 2, w.db.number("SELECT COUNT(*) FROM events WHERE subject_kind = 'customer' AND kind = 'judged' AND actor = $1", "api_key:"+screening.key))
		status, text = screening.ask(serve, http.MethodGet, "/transactions/"+all[0].state.ID, "", nil)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, text, `"status":"completed"`)
		stopAll(roles)
		w.requireInvariants()
	})
}
