package apikeys_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// clock stands until it is told to go on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// desk is a service with a clock of its own.
type desk struct {
	*apikeys.Service
	db    *store.DB
	clock *clock
}

// eachDesk runs a test on both engines.
func eachDesk(t *testing.T, test func(t *testing.T, d desk)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := &clock{now: time.Now()}
		test(t, desk{apikeys.New(db, slog.New(slog.DiscardHandler), c.Now), db, c})
	})
}

func webhook() apikeys.Order {
	return apikeys.Order{Name: "bank webhook", Scopes: []apikeys.Scope{apikeys.ReportPayouts}, Actor: "operator:ana"}
}

func (d desk) create(t *testing.T, o apikeys.Order) (apikeys.Key, string) {
	t.Helper()
	k, token, err := d.Create(t.Context(), o)
	require.NoError(t, err)
	return k, token.Reveal()
}

func TestAKey_is_told_once_and_stored_as_a_hash(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		order := webhook()
		order.Scopes = []apikeys.Scope{apikeys.ReportPayouts, apikeys.WriteCustomers, apikeys.ReportPayouts}
		k, token := d.create(t, order)
		require.Regexp(t, `^anchor_[a-z2-7]{16}_[a-z2-7]{52}$`, token)
		require.Equal(t, k.ID, strings.Split(token, "_")[1])
		require.Equal(t, []apikeys.Scope{apikeys.WriteCustomers, apikeys.ReportPayouts}, k.Scopes)
		require.Equal(t, apikeys.DefaultLifetime, k.ExpiresAt.Sub(k.CreatedAt))

		row, err := d.db.APIKey(t.Context(), k.ID)
		require.NoError(t, err)
		secret := strings.Split(token, "_")[2]
		require.NotContains(t, fmt.Sprintf("%+v", row), secret)
		require.Regexp(t, `^[0-9a-f]{64}$`, row.Hash)

		_, another := d.create(t, webhook())
		require.NotEqual(t, token, another)
		list, err := d.List(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, k, list[0])
	})
}

func TestAKey_does_not_show_in_what_is_printed_by_mistake(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		_, token, err := d.Create(t.Context(), webhook())
		require.NoError(t, err)
		caller, err := d.Authenticate(t.Context(), token.Reveal())
		require.NoError(t, err)
		secret := strings.Split(token.Reveal(), "_")[2]
		for _, text := range []string{
			fmt.Sprint(token, caller), fmt.Sprintf("%+v %+v", token, caller), fmt.Sprintf("%#v %#v", token, caller), fmt.Sprintf("%+v", []any{caller, &caller}),
		} {
			require.NotContains(t, text, secret)
		}
	})
}

func TestAnOrder_that_makes_no_sense_is_refused(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		for name, change := range map[string]func(*apikeys.Order){
			"no name":              func(o *apikeys.Order) { o.Name = "  " },
			"a name of two lines":  func(o *apikeys.Order) { o.Name = "a\nb" },
			"a name without end":   func(o *apikeys.Order) { o.Name = strings.Repeat("a", 101) },
			"no scope":             func(o *apikeys.Order) { o.Scopes = nil },
			"an unknown scope":     func(o *apikeys.Order) { o.Scopes = append(o.Scopes, "everything") },
			"two scopes in one":    func(o *apikeys.Order) { o.Scopes = []apikeys.Scope{"payouts:report customers:write"} },
			"good for ever":        func(o *apikeys.Order) { o.Lifetime = 367 * 24 * time.Hour },
			"over before it began": func(o *apikeys.Order) { o.Lifetime = -1 },
		} {
			o := webhook()
			change(&o)
			_, _, err := d.Create(t.Context(), o)
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), name)
		}
		list, err := d.List(t.Context())
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

func TestWhatIsNoValidKey_is_refused_in_the_same_words(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		ctx := t.Context()
		k, token := d.create(t, webhook())
		caller, err := d.Authenticate(ctx, token)
		require.NoError(t, err)
		require.Equal(t, k.ID, caller.ID)
		require.True(t, caller.Permits(apikeys.ReportPayouts))
		require.False(t, caller.Permits(apikeys.WriteCustomers))

		revoked, dead := d.create(t, webhook())
		_, err = d.Revoke(ctx, revoked.ID, "a test", "operator:ana")
		require.NoError(t, err)
		_, other := d.create(t, webhook())
		_, nothing := d.Authenticate(ctx, "")
		for name, wrong := range map[string]string{
			"a revoked one":           dead,
			"an unknown id":           "anchor_aaaaaaaaaaaaaaaa" + token[len("anchor_")+16:],
			"another key's secret":    token[:len("anchor_")+17] + other[len("anchor_")+17:],
			"one letter off":          token[:len(token)-1] + map[bool]string{true: "b", false: "a"}[token[len(token)-1] == 'a'],
			"in capitals":             strings.ToUpper(token),
			"one letter more":         token + "a",
			"one letter less":         token[:len(token)-1],
			"with a space":            token + " ",
			"the id alone":            k.ID,
			"SQL for an id":           "anchor_' OR 1=1 -- aaaa" + token[len("anchor_")+16:],
			"an id of wild cards":     "anchor_%%%%%%%%%%%%%%%%" + token[len("anchor_")+16:],
			"the hash":                "anchor_" + k.ID + "_" + strings.Repeat("0", 52),
			"two keys":                token + "," + other,
			"a megabyte":              token + strings.Repeat("a", 1<<20),
			"letters of other people": strings.Replace(token, "a", "а", 1) + "а",
		} {
			_, err := d.Authenticate(ctx, wrong)
			require.Equal(t, anchor.CodeUnauthenticated, anchor.CodeOf(err), name)
			require.Equal(t, nothing, err, name)
			require.NotContains(t, err.Error(), token[len("anchor_")+17:], name)
		}
	})
}

func TestAKey_expires_to_the_microsecond(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		order := webhook()
		order.Lifetime = time.Hour
		k, token := d.create(t, order)
		d.clock.set(k.ExpiresAt.Add(-time.Microsecond))
		_, err := d.Authenticate(t.Context(), token)
		require.NoError(t, err)
		d.clock.set(k.ExpiresAt)
		_, err = d.Authenticate(t.Context(), token)
		require.Equal(t, anchor.CodeUnauthenticated, anchor.CodeOf(err))
		require.Equal(t, apikeys.Expired, k.State(d.clock.Now()))
	})
}

func TestWhoMadeAndWhoRevokedAKey_is_in_its_history(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		ctx := t.Context()
		k, _ := d.create(t, webhook())
		done, err := d.Revoke(ctx, k.ID, "it was in a log", "operator:ben")
		require.NoError(t, err)
		require.True(t, done)
		before, err := d.List(ctx)
		require.NoError(t, err)
		require.Equal(t, apikeys.Revoked, before[0].State(d.clock.Now()))
		done, err = d.Revoke(ctx, k.ID, "again", "operator:eve")
		require.NoError(t, err)
		require.False(t, done)
		after, err := d.List(ctx)
		require.NoError(t, err)
		require.Equal(t, before, after)

		history, err := d.db.History(ctx, store.SubjectAPIKey, k.ID)
		require.NoError(t, err)
		require.Len(t, history, 2)
		require.Equal(t, []string{"created", "operator:ana", "bank webhook", "payouts:report"}, []string{history[0].Kind, history[0].Actor, history[0].Reason, history[0].Detail})
		require.Equal(t, []string{"revoked", "operator:ben", "it was in a log"}, []string{history[1].Kind, history[1].Actor, history[1].Reason})
	})
}

func TestRevoking_needs_a_reason_and_an_id_that_is_there(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		k, token := d.create(t, webhook())
		_, err := d.Revoke(t.Context(), k.ID, " ", "operator")
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
		for _, id := range []string{"", "aaaaaaaaaaaaaaaa", token, "' OR ''='", strings.ToUpper(k.ID)} {
			_, err := d.Revoke(t.Context(), id, "why", "operator")
			require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err), id)
			require.NotContains(t, err.Error(), token)
		}
	})
}

func TestTheUseOfAKey_is_noted_at_most_once_a_minute(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		k, token := d.create(t, webhook())
		used := func() time.Time {
			_, err := d.Authenticate(t.Context(), token)
			require.NoError(t, err)
			list, err := d.List(t.Context())
			require.NoError(t, err)
			return list[0].LastUsedAt
		}
		first := d.clock.Now().UTC().Truncate(time.Microsecond)
		require.Equal(t, first, used())
		d.clock.set(first.Add(time.Minute - time.Microsecond))
		require.Equal(t, first, used())
		d.clock.set(first.Add(time.Minute))
		require.Equal(t, first.Add(time.Minute), used())
		d.clock.set(first)
		require.Equal(t, first.Add(time.Minute), used(), "a clock that goes back takes nothing back")
		require.True(t, k.LastUsedAt.IsZero())
	})
}

func TestAKeyThatIsRevokedWhileItIsUsed_is_refused_from_then_on(t *testing.T) {
	eachDesk(t, func(t *testing.T, d desk) {
		k, token := d.create(t, webhook())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		started := make(chan struct{}, 4)
		var users sync.WaitGroup
		for range 4 {
			users.Go(func() {
				started <- struct{}{}
				for refused := false; !refused && ctx.Err() == nil; {
					_, err := d.Authenticate(ctx, token)
					refused = err != nil
				}
			})
		}
		for range 4 {
			<-started
		}
		_, err := d.Revoke(t.Context(), k.ID, "a test", "operator")
		require.NoError(t, err)
		_, err = d.Authenticate(t.Context(), token)
		require.Equal(t, anchor.CodeUnauthenticated, anchor.CodeOf(err))
		users.Wait()
	})
}
