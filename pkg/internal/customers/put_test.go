package customers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestValues_are_merged_over_requests_and_types(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.mustPut(who, customers.Put{Values: map[string]string{"given_name": "Ada"}})
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.NotContains(t, v.Fields, "first_name", "given_name is the same field")
		require.Contains(t, v.Fields, "last_name")

		again := d.mustPut(who, customers.Put{Who: customers.Who{ID: id}, Values: map[string]string{"last_name": "Lovelace", "x.loyalty-card": "77"}})
		require.Equal(t, id, again)
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)

		d.mustPut(who, customers.Put{Type: receiver, Values: map[string]string{"bank_account_number": "1"}})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{Type: receiver}).Status, "first_name was given before")
		c, err := d.ForTransaction(t.Context(), who.Account, id, sender)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"first_name": "Ada", "last_name": "Lovelace", "x.loyalty-card": "77", "bank_account_number": "1"},
			c.Values, "names that SEP-9 does not know are kept as well")
	})
}

func TestTheSamePut_again_changes_nothing_and_asks_nobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.register(who)
		events, calls := d.history(id), d.business.calls()
		require.Equal(t, id, d.register(who))
		require.Equal(t, id, d.mustPut(who, customers.Put{Values: map[string]string{"family_name": "Lovelace", "birth_date": ""}}))
		require.Equal(t, events, d.history(id))
		require.Equal(t, calls, d.business.calls())
	})
}

func TestWrongValues_are_refused_without_repeating_them_and_nothing_is_stored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		d.business.types[sender]["occupation"] = anchor.Field{Description: "occupation", Optional: true}
		who := plain(account())
		many := map[string]string{}
		for i := range 101 {
			many["f"+strings.Repeat("x", i%60)+string(rune('a'+i%26))+strings.Repeat("y", i/60)] = "1"
		}
		for name, p := range map[string]customers.Put{
			"a date that is none":               {Values: map[string]string{"birth_date": "CANARY"}},
			"a date that does not exist":        {Values: map[string]string{"birth_date": "2001-02-30"}},
			"a SEP-9 date of no role":           {Values: map[string]string{"id_issue_date": "CANARY"}},
			"no number":                         {Values: map[string]string{"occupation": "CANARY"}},
			"none of the choices":               {Values: map[string]string{"sex": "CANARY"}},
			"text that is too long":             {Values: map[string]string{"last_name": strings.Repeat("CANARY", 1000)}},
			"text that is no UTF-8":             {Values: map[string]string{"last_name": "CANARY\xff"}},
			"a zero byte":                       {Values: map[string]string{"last_name": "CANARY\x00"}},
			"a photo as text":                   {Type: receiver, Values: map[string]string{"photo_id_front": "CANARY"}},
			"a name as a file":                  {Files: map[string]customers.File{"last_name": {Data: []byte("CANARY")}}},
			"an empty file":                     {Type: receiver, Files: map[string]customers.File{"photo_id_front": {}}},
			"a file that is too large":          {Type: receiver, Files: map[string]customers.File{"photo_id_front": {Data: photo(4<<20 + 1)}}},
			"a file that is a page":             {Type: receiver, Files: map[string]customers.File{"photo_id_front": {Data: []byte("<html>CANARY</html>")}}},
			"a video of a document":             {Type: receiver, Files: map[string]customers.File{"photo_id_front": {Data: []byte("\x00\x00\x00\x18ftypmp42CANARY")}}},
			"a verification that was not asked": {Values: map[string]string{"mobile_number_verification": "CANARY"}},
			"a file by its id":                  {Values: map[string]string{"photo_id_front_file_id": "CANARY"}},
			"a card":                            {Values: map[string]string{"card.number": "CANARY"}},
			"a name with spaces":                {Values: map[string]string{"last name": "CANARY"}},
			"a name that is too long":           {Values: map[string]string{strings.Repeat("x", 65): "CANARY"}},
			"two spellings that disagree":       {Values: map[string]string{"last_name": "CANARY", "family_name": "CANARY2"}},
			"too many values":                   {Values: many},
		} {
			_, err := d.Put(t.Context(), who, p)
			code := anchor.CodeOf(err)
			require.Contains(t, []anchor.Code{anchor.CodeInvalid, anchor.CodeTooLarge}, code, "%s: %v", name, err)
			require.NotContains(t, err.Error(), "CANARY", name)
		}
		require.Empty(t, d.mustGet(who, customers.Query{}).ID)
	})
}

func TestACustomer_keeps_a_bounded_number_of_values(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		for page := range 2 {
			values := map[string]string{}
			for i := range 100 {
				values["f"+string(rune('a'+page))+strings.Repeat("x", i%50)+strings.Repeat("y", i/50)] = "1"
			}
			d.mustPut(who, customers.Put{Values: values})
		}
		_, err := d.Put(t.Context(), who, customers.Put{Values: adaSender()})
		d.requireCode(anchor.CodeInvalid, err)
	})
}

func TestACustomer_keeps_a_bounded_amount_of_data(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, customers.FileBytes(1<<20))
		who, data := plain(account()), photo(1<<20)
		put := func(document int) error {
			file := customers.File{Data: data}
			_, err := d.Put(t.Context(), who, customers.Put{Files: map[string]customers.File{fmt.Sprintf("document_%d", document): file}})
			return err
		}
		for document := range 9 {
			require.NoError(t, put(document))
		}
		d.requireCode(anchor.CodeTooLarge, put(9))
		data[100] = 1
		require.NoError(t, put(8), "what takes the place of another file needs no room")
		d.register(who)
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status, "there is room for names")
	})
}

func TestAPhoto_is_kept_and_given_to_the_business_only(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		front := map[string]customers.File{"photo_id_front": {Data: photo(10)}}
		id := d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver(), Files: front})
		require.Equal(t, "data:image/png;base64,iVBORw0KGgoAAA==", d.business.judged[0].Customer.Value("photo_id_front"))
		require.Equal(t, anchor.FieldBinary, d.mustGet(who, customers.Query{}).Provided["photo_id_front"].Type)
		c, err := d.ForTransaction(t.Context(), who.Account, id, receiver)
		require.NoError(t, err)
		require.Equal(t, adaReceiver(), c.Values, "no rail needs it")
	})
}

func TestManyPuts_of_one_new_user_at_once_make_one_customer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := withMemo(account(), "1")
		names := []string{"city", "address", "tax_id", "bank_name", "id_number", "postal_code", "birth_place", "id_type"}
		var mu sync.Mutex
		ids := map[string]bool{}
		group, ctx := errgroup.WithContext(t.Context())
		for _, name := range names {
			group.Go(func() error {
				values := adaSender()
				values[name] = "value of " + name
				id, err := d.Put(ctx, who, customers.Put{Values: values})
				mu.Lock()
				defer mu.Unlock()
				ids[id] = true
				if anchor.CodeOf(err) == anchor.CodeConflict { // judged too often meanwhile; the values are stored all the same
					return nil
				}
				return err
			})
		}
		require.NoError(t, group.Wait())
		require.Len(t, ids, 1)
		v := d.mustGet(who, customers.Query{})
		for _, name := range names {
			require.Contains(t, v.Provided, name, "no update is lost")
		}
		d.register(who)
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
		for i, event := range d.history(v.ID) {
			require.EqualValues(t, i+1, event.Seq, "every change has its event")
		}
	})
}

func TestABusiness_that_cannot_be_asked_loses_no_values_and_is_asked_again(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(down)
		_, err := d.Put(t.Context(), who, customers.Put{Values: adaSender()})
		d.requireCode(anchor.CodeInternal, err)
		require.ErrorIs(t, err, errDown)
		require.NotContains(t, err.Error(), "Lovelace")
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerProcessing, v.Status)
		require.Contains(t, v.Provided, "last_name")

		d.business.answer(nil)
		require.Equal(t, v.ID, d.register(who), "the same request again")
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestSweep_has_values_judged_that_a_lost_process_left_behind(t *testing.T) {
	t.Parallel()
	now := time.Now()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		later := newDesk(t, db, customers.Clock(func() time.Time { return now.Add(time.Hour) }))
		who := plain(account())
		later.business.answer(down)
		_, err := later.Put(t.Context(), who, customers.Put{Values: adaSender()})
		require.Error(t, err)
		later.business.answer(nil)
		require.NoError(t, customers.New(db, later.business, nil).Sweep(t.Context()))
		require.Equal(t, anchor.CustomerProcessing, later.mustGet(who, customers.Query{}).Status, "the request may still be at it")
		require.NoError(t, later.Sweep(t.Context()))
		require.Equal(t, anchor.CustomerAccepted, later.mustGet(who, customers.Query{}).Status)
	})
}

func TestAVerdict_on_values_that_changed_meanwhile_does_not_count(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		var once sync.Once
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			if p.Customer.Value("last_name") == "Villain" {
				return anchor.Verdict{Status: anchor.CustomerRejected, Message: "no"}, nil
			}
			once.Do(func() { // while Ada is judged, she becomes somebody else
				d.mustPut(who, customers.Put{Values: map[string]string{"last_name": "Villain"}})
			})
			return anchor.Verdict{Status: anchor.CustomerAccepted}, nil
		})
		d.register(who)
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerRejected, v.Status)
		require.Equal(t, "no", v.Message)
	})
}

func TestACustomer_that_somebody_else_decided_about_while_it_was_judged_is_judged_again(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.mustPut(who, customers.Put{Type: receiver, Values: map[string]string{"first_name": "Ada"}})
		var once sync.Once
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			once.Do(func() {
				reject := anchor.Verdict{Type: receiver, Status: anchor.CustomerRejected, Message: "no"}
				require.NoError(t, d.SetStatus(t.Context(), id, reject, "operator:eve"))
			})
			return anchor.Verdict{Status: anchor.CustomerAccepted}, nil
		})
		d.mustPut(who, customers.Put{Type: sender, Values: map[string]string{"last_name": "Lovelace"}})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{Type: sender}).Status)
		require.Equal(t, anchor.CustomerRejected, d.mustGet(who, customers.Query{Type: receiver}).Status)
	})
}

func TestARejection_is_final_for_the_sending_anchor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(verdict(anchor.CustomerRejected, "on a list"))
		id := d.register(who)
		d.business.answer(nil)
		d.mustPut(who, customers.Put{Values: map[string]string{"last_name": "Byron"}})
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerRejected, v.Status)
		require.Equal(t, "on a list", v.Message)
		require.Empty(t, v.Fields)
		require.NoError(t, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerAccepted}, "operator:eve"))
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestRejectedFields_are_asked_for_again_until_all_are_given_anew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			wrong := anchor.FieldVerdict{Status: anchor.FieldRejected, Error: "is not readable"}
			return anchor.Verdict{Status: anchor.CustomerNeedsInfo, Fields: map[string]anchor.FieldVerdict{"family_name": wrong, "email_address": wrong}}, nil
		})
		d.register(who)
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Equal(t, customers.Provided{
			Field: anchor.Field{Type: anchor.FieldString, Description: "family name"}, Status: anchor.FieldRejected, Error: "is not readable",
		}, v.Provided["last_name"])
		require.Contains(t, v.Fields, "last_name")
		require.False(t, v.Fields["email_address"].Optional, "what the type does not demand can be asked for as well")

		d.business.answer(nil)
		d.mustPut(who, customers.Put{Values: map[string]string{"last_name": "Lovelace", "city": "London"}})
		v = d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.NotContains(t, v.Fields, "last_name", "the same value, sent again, is given anew")
		require.Contains(t, v.Fields, "email_address")
		d.mustPut(who, customers.Put{Values: map[string]string{"email_address": "ada@example.com"}})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestAVerdict_that_no_client_could_be_told_is_an_error_of_the_business(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		for name, v := range map[string]anchor.Verdict{
			"no status":                     {},
			"a status that does not exist":  {Status: "APPROVED"},
			"a rejection without a message": {Status: anchor.CustomerRejected},
			"a field rejected without why":  {Status: anchor.CustomerNeedsInfo, Fields: map[string]anchor.FieldVerdict{"last_name": {Status: anchor.FieldRejected}}},
			"a field status that is none":   {Status: anchor.CustomerAccepted, Fields: map[string]anchor.FieldVerdict{"last_name": {Status: "FINE"}}},
		} {
			who := plain(account())
			d.business.answer(func(anchor.CustomerPut) (anchor.Verdict, error) { return v, nil })
			_, err := d.Put(t.Context(), who, customers.Put{Values: adaSender()})
			require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err), name)
			require.Equal(t, anchor.CustomerProcessing, d.mustGet(who, customers.Query{}).Status, name)
		}
	})
}
