package remote_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

var friend = anchor.SendingAnchor{Account: "GFRIEND", MemoType: "id", Memo: "7"}

// gate is a server that admits whoever it is told to, until it is away.
type gate struct {
	*server
	b      anchor.Business
	clock  *clock
	admits map[string]bool
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{server: newServer(t), clock: &clock{now: time.Unix(1_800_000_000, 0)}, admits: map[string]bool{friend.Account: true}}
	g.back()
	o := options(g.URL, key("k1"))
	o.Now = g.clock.Now
	g.b = newBusinessWith(t, o)
	return g
}

func (g *gate) back() {
	g.raw = nil
	g.answer = func(path string, asked map[string]any) (int, any) {
		if path != "/v1/sending-anchor" {
			return honest(path, asked)
		}
		from, _ := asked["from"].(map[string]any)
		account, _ := from["account"].(string)
		return http.StatusOK, map[string]any{"valid": g.admits[account]}
	}
}

func (g *gate) away() {
	g.raw = func(w http.ResponseWriter, _ *http.Request, _ *server) { w.WriteHeader(http.StatusBadGateway) }
}

func TestWhoWasAdmittedAMomentAgo_is_admitted_while_the_server_cannot_be_asked(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	admitted, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.NoError(t, err)
	require.True(t, admitted)

	g.away()
	for range 10 { // also once it is left alone
		admitted, err = g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
		require.NoError(t, err)
		require.True(t, admitted)
	}
	g.clock.pass(5*time.Minute - time.Second)
	admitted, err = g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.NoError(t, err)
	require.True(t, admitted)
	g.clock.pass(time.Second)
	admitted, err = g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(err), "not for ever")
	require.False(t, admitted)
}

func TestWhoWasAdmittedAMomentAgo_agrees_nothing_while_the_server_cannot_be_asked(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.NoError(t, err)
	g.away()
	post := postOf(t, "10")
	post.From = friend
	_, err = g.b.Receiver.ProcessPostRequest(t.Context(), post)
	require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(err))
	err = g.b.Receiver.ProcessPatchRequest(t.Context(), anchor.PatchRequest{})
	require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(err))
}

func TestOnlyTheVeryOneWhoWasAdmitted_is_admitted_while_the_server_cannot_be_asked(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.NoError(t, err)
	stranger := anchor.SendingAnchor{Account: "GSTRANGER"}
	admitted, err := g.b.Receiver.ValidSendingAnchor(t.Context(), stranger)
	require.NoError(t, err)
	require.False(t, admitted)

	g.away()
	other := friend
	other.Memo = "8"
	for _, who := range []anchor.SendingAnchor{stranger, other, {Account: friend.Account}} {
		_, err := g.b.Receiver.ValidSendingAnchor(t.Context(), who)
		require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(err), "%+v", who)
	}
}

func TestWhoIsBarred_is_not_admitted_by_what_was_said_before(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.NoError(t, err)
	g.admits[friend.Account] = false
	admitted, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.NoError(t, err)
	require.False(t, admitted)
	g.away()
	_, err = g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
	require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(err))
}

func TestWhatTheServerGetsWrong_admits_nobody(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(s *server){
		"an answer that is not signed": func(s *server) { s.tamper = without("Anchor-Signature") },
		"no decision":                  func(s *server) { s.answer = func(string, map[string]any) (int, any) { return 200, map[string]any{} } },
		"a refusal": func(s *server) {
			s.answer = func(string, map[string]any) (int, any) {
				return http.StatusUnprocessableEntity, map[string]any{"code": "invalid", "text": "no"}
			}
		},
		"no such path": func(s *server) {
			s.raw = func(w http.ResponseWriter, _ *http.Request, _ *server) { w.WriteHeader(404) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			_, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
			require.NoError(t, err)
			wrong(g.server)
			admitted, err := g.b.Receiver.ValidSendingAnchor(t.Context(), friend)
			require.Error(t, err)
			require.False(t, admitted)
		})
	}
}

func TestManyWhoWereAdmitted_never_keep_a_new_one_out(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	say := honest
	g.answer = say
	const more = 10_100 // than are remembered
	for i := range more {
		_, err := g.b.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: fmt.Sprint("G", i)})
		require.NoError(t, err)
	}
	g.away()
	admitted, err := g.b.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: fmt.Sprint("G", more-1)})
	require.NoError(t, err)
	require.True(t, admitted, "the last one is remembered")
}
