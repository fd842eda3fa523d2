package customers_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func containsAny(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

func anyAddress() customers.Option {
	return customers.CheckCallbackURL(func(url string) error {
		if strings.HasPrefix(url, "https://") {
			return nil
		}
		return errors.New("it must be https")
	})
}

func (d *desk) callbacksOf(id string) []store.Callback {
	d.Helper()
	rows, err := d.db.CallbacksOf(d.Context(), store.SubjectCustomer, id)
	require.NoError(d, err)
	return rows
}

// topics lists of which types a sending anchor is to be told, in the order of the changes.
func (d *desk) topics(id string) (topics []string) {
	d.Helper()
	for _, row := range d.callbacksOf(id) {
		topics = append(topics, row.Topic)
	}
	return topics
}

func (d *desk) decide(id, customerType string, status anchor.CustomerStatus) {
	d.Helper()
	require.NoError(d, d.SetStatus(d.Context(), id, anchor.Verdict{Type: customerType, Status: status, Message: "decided"}, "operator:eve"))
}

func eachWithCallbacks(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newDesk(t, db, anyAddress())) })
}

func TestASendingAnchor_is_told_of_every_change_until_the_customer_is_accepted_or_rejected(t *testing.T) {
	t.Parallel()
	eachWithCallbacks(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(verdict(anchor.CustomerProcessing, ""))
		id := d.register(who)
		require.Empty(t, d.callbacksOf(id), "nobody asked")
		subscribe := func() {
			require.NoError(t, d.SetCallback(t.Context(), who, customers.Who{ID: id}, "https://sender.test/"))
		}
		subscribe()
		d.decide(id, sender, anchor.CustomerProcessing)
		require.Empty(t, d.callbacksOf(id), "no change")
		d.decide(id, sender, anchor.CustomerNeedsInfo)
		d.decide(id, sender, anchor.CustomerAccepted)
		require.Len(t, d.topics(id), 2)
		d.decide(id, sender, anchor.CustomerNeedsInfo)
		require.Len(t, d.topics(id), 2, "it has ended")
		subscribe()
		d.decide(id, sender, anchor.CustomerProcessing)
		d.decide(id, sender, anchor.CustomerRejected)
		d.decide(id, sender, anchor.CustomerAccepted)
		require.Equal(t, []string{sender, sender, sender, sender}, d.topics(id))
	})
}

func TestASubscription_lasts_until_every_role_is_decided(t *testing.T) {
	t.Parallel()
	eachWithCallbacks(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(verdict(anchor.CustomerProcessing, ""))
		id := d.register(who)
		d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		require.NoError(t, d.SetCallback(t.Context(), who, customers.Who{}, "https://sender.test/"))
		d.decide(id, receiver, anchor.CustomerAccepted)
		d.decide(id, sender, anchor.CustomerAccepted)
		d.decide(id, sender, anchor.CustomerNeedsInfo)
		require.Equal(t, []string{receiver, sender}, d.topics(id))
	})
}

func TestACallback_carries_what_GET_answers(t *testing.T) {
	t.Parallel()
	eachWithCallbacks(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.mustPut(who, customers.Put{Type: receiver, Values: map[string]string{"first_name": "Ada"}})
		body, err := d.Body(t.Context(), id, receiver)
		require.NoError(t, err)
		want, err := json.Marshal(d.mustGet(who, customers.Query{Type: receiver}))
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(body))
		require.Contains(t, string(body), `"status":"NEEDS_INFO"`)
		require.Contains(t, string(body), "bank_account_number")
		require.NotContains(t, string(body), "Ada")
		_, err = d.Body(t.Context(), id, "wizard")
		d.requireCode(anchor.CodeInvalid, err)
		_, err = d.Body(t.Context(), store.NewID(), receiver)
		d.requireCode(anchor.CodeNotFound, err)
	})
}

func TestCallbacks_that_are_not_possible_are_refused(t *testing.T) {
	t.Parallel()
	eachWithCallbacks(t, func(t *testing.T, d *desk) {
		owner := account()
		id := d.register(withMemo(owner, "1"))
		const good = "https://sender.test/"
		for name, c := range map[string]struct {
			who  anchor.SendingAnchor
			what customers.Who
			url  string
			code anchor.Code
		}{
			"an unknown id":               {plain(owner), customers.Who{ID: store.NewID()}, good, anchor.CodeNotFound},
			"another sending anchor":      {plain(account()), customers.Who{ID: id}, good, anchor.CodeNotFound},
			"another user of the account": {withMemo(owner, "2"), customers.Who{ID: id}, good, anchor.CodeNotFound},
			"nobody of that memo":         {plain(owner), customers.Who{Memo: "2"}, good, anchor.CodeNotFound},
			"somebody else's account":     {plain(account()), customers.Who{Account: owner, Memo: "1"}, good, anchor.CodeForbidden},
			"no address":                  {plain(owner), customers.Who{ID: id}, "", anchor.CodeInvalid},
			"an address that is refused":  {plain(owner), customers.Who{ID: id}, "http://sender.test/", anchor.CodeInvalid},
			"an address that is too long": {plain(owner), customers.Who{ID: id}, good + strings.Repeat("x", 2048), anchor.CodeInvalid},
			"no token":                    {anchor.SendingAnchor{}, customers.Who{ID: id}, good, anchor.CodeUnauthenticated},
		} {
			err := d.SetCallback(t.Context(), c.who, c.what, c.url)
			require.Equal(t, c.code, anchor.CodeOf(err), "%s: %v", name, err)
		}
		d.decide(id, sender, anchor.CustomerNeedsInfo)
		require.Empty(t, d.callbacksOf(id))
		err := customers.New(d.db, d.business, nil).SetCallback(t.Context(), plain(owner), customers.Who{ID: id}, good)
		d.requireCode(anchor.CodeNotFound, err)
	})
}
