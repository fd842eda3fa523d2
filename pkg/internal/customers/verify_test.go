package customers_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const phone = "mobile_number"

// sends is a business that has a field verified by a code which it leaves with the toolkit, once it is given anew.
func sends(field, code string) func(anchor.CustomerPut) (anchor.Verdict, error) {
	return func(p anchor.CustomerPut) (anchor.Verdict, error) {
		for _, changed := range p.Changed {
			if changed == field {
				return anchor.Verdict{Fields: map[string]anchor.FieldVerdict{
					field: {Status: anchor.FieldVerificationRequired, Code: code},
				}}, nil
			}
		}
		return anchor.Verdict{Status: anchor.CustomerAccepted}, nil
	}
}

// waiting registers a sender whose phone number waits for the code 123456.
func (d *desk) waiting(who anchor.SendingAnchor) (id string) {
	d.Helper()
	d.business.types[sender][phone] = anchor.Field{Description: "phone"}
	d.business.answer(sends(phone, "123456"))
	values := adaSender()
	values[phone] = "+4912345"
	return d.mustPut(who, customers.Put{Values: values})
}

func code(text string) map[string]string { return map[string]string{phone + "_verification": text} }

func TestAField_that_waits_for_a_code_is_accepted_with_the_right_one(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.waiting(who)
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Equal(t, anchor.FieldVerificationRequired, v.Provided[phone].Status)
		require.NotContains(t, v.Fields, phone)

		_, err := d.Put(t.Context(), who, customers.Put{Values: code("000000")})
		d.requireCode(anchor.CodeInvalid, err)
		require.ErrorContains(t, err, "tries left: 4")
		require.Equal(t, v, d.mustGet(who, customers.Query{}))

		calls := d.business.calls()
		require.Equal(t, id, d.mustPut(who, customers.Put{Who: customers.Who{ID: id}, Values: code(" 123456")}))
		v = d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerAccepted, v.Status)
		require.Equal(t, anchor.FieldAccepted, v.Provided[phone].Status)
		require.Equal(t, calls+1, d.business.calls(), "the business judges the customer again")

		events := d.history(id)
		d.mustPut(who, customers.Put{Values: code("123456")})
		require.Equal(t, events, d.history(id), "the same request again changes nothing")
	})
}

func TestVerify_is_the_older_way_and_answers_with_the_customer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.waiting(who)
		for name, p := range map[string]customers.Put{
			"no id":            {Values: code("123456")},
			"no code":          {Who: customers.Who{ID: id}},
			"a value besides":  {Who: customers.Who{ID: id}, Values: map[string]string{phone + "_verification": "123456", "city": "x"}},
			"the wrong code":   {Who: customers.Who{ID: id}, Values: code("1")},
			"a code too long":  {Who: customers.Who{ID: id}, Values: code(fmt.Sprintf("%0101d", 1))},
			"a code of nobody": {Who: customers.Who{ID: id}, Values: map[string]string{"email_address_verification": "123456"}},
		} {
			_, err := d.Verify(t.Context(), who, p)
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), "%s: %v", name, err)
		}
		p := customers.Put{Who: customers.Who{ID: id}, Values: code("123456")}
		_, err := d.Verify(t.Context(), plain(account()), p)
		d.requireCode(anchor.CodeNotFound, err)
		v, err := d.Verify(t.Context(), who, p)
		require.NoError(t, err)
		require.Equal(t, d.mustGet(who, customers.Query{}), v)
		require.Equal(t, anchor.CustomerAccepted, v.Status)
	})
}

func TestACode_can_be_guessed_at_five_times_however_many_guess_at_once(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.waiting(who)
		var wrong, over atomic.Int64
		group, ctx := errgroup.WithContext(t.Context())
		for guess := range 12 {
			group.Go(func() error {
				_, err := d.Put(ctx, who, customers.Put{Values: code(fmt.Sprint(guess))})
				switch {
				case anchor.CodeOf(err) != anchor.CodeInvalid:
					return fmt.Errorf("guess %d: %w", guess, err)
				case containsAny(err, "tries left"):
					wrong.Add(1)
				default:
					over.Add(1)
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		require.EqualValues(t, 4, wrong.Load(), "the fifth is the last")
		require.EqualValues(t, 8, over.Load())
		_, err := d.Put(t.Context(), who, customers.Put{Values: code("123456")})
		d.requireCode(anchor.CodeInvalid, err)
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Contains(t, v.Fields, phone, "it is to be given again")
		require.NotEmpty(t, v.Provided[phone].Error)

		d.mustPut(who, customers.Put{Values: map[string]string{phone: "+4912345"}})
		require.Equal(t, anchor.FieldVerificationRequired, d.mustGet(who, customers.Query{}).Provided[phone].Status, "the same value gets another code")
		d.mustPut(who, customers.Put{Values: code("123456")})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestACode_whose_time_is_over_does_not_count_and_the_same_value_gets_another(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, again := range map[string]map[string]string{"after a try": code("123456"), "without one": nil} {
			d := newDesk(t, db, customers.CodeLifetime(time.Nanosecond))
			who := plain(account())
			d.waiting(who)
			if again != nil {
				_, err := d.Put(t.Context(), who, customers.Put{Values: again})
				d.requireCode(anchor.CodeInvalid, err)
				require.ErrorContains(t, err, "send 'mobile_number' again")
				require.Contains(t, d.mustGet(who, customers.Query{}).Fields, phone)
			}
			lasting := &desk{t, db, d.business, customers.New(db, d.business, nil)}
			lasting.mustPut(who, customers.Put{Values: map[string]string{phone: "+4912345"}})
			lasting.mustPut(who, customers.Put{Values: code("123456")})
			require.Equal(t, anchor.CustomerAccepted, lasting.mustGet(who, customers.Query{}).Status, name)
		}
	})
}

func TestANewValue_kills_the_code_of_the_old_one(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.waiting(who)
		both := code("123456")
		both[phone] = "+666"
		_, err := d.Put(t.Context(), who, customers.Put{Values: both})
		d.requireCode(anchor.CodeInvalid, err)

		d.business.answer(sends(phone, "777777"))
		d.mustPut(who, customers.Put{Values: map[string]string{phone: "+666"}})
		_, err = d.Put(t.Context(), who, customers.Put{Values: code("123456")})
		d.requireCode(anchor.CodeInvalid, err)
		d.mustPut(who, customers.Put{Values: code("777777")})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestAWrongCode_leaves_the_other_values_of_its_request_out(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.waiting(who)
		both := code("1")
		both["city"] = "Berlin"
		_, err := d.Put(t.Context(), who, customers.Put{Values: both})
		d.requireCode(anchor.CodeInvalid, err)
		require.NotContains(t, d.mustGet(who, customers.Query{}).Provided, "city")
		both[phone+"_verification"] = "123456"
		d.mustPut(who, customers.Put{Values: both})
		v := d.mustGet(who, customers.Query{})
		require.Contains(t, v.Provided, "city")
		require.Equal(t, anchor.CustomerAccepted, v.Status)
	})
}

func TestWhile_a_code_is_owed_other_values_are_kept_and_no_second_code_is_asked_for(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.waiting(who)
		calls := d.business.calls()
		d.mustPut(who, customers.Put{Values: map[string]string{"city": "Berlin"}})
		require.Equal(t, calls, d.business.calls())
		require.Equal(t, anchor.CustomerNeedsInfo, d.mustGet(who, customers.Query{}).Status)
		d.mustPut(who, customers.Put{Values: code("123456")})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestCodes_that_the_business_compares_go_to_it(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		d.business.types[sender][phone] = anchor.Field{Description: "phone"}
		who := plain(account())
		answers := map[string]anchor.FieldVerdict{
			"":        {Status: anchor.FieldVerificationRequired},
			"wrong":   {Status: anchor.FieldVerificationRequired, Error: "that was not it"},
			"blocked": {Status: anchor.FieldRejected, Error: "another number, please"},
			"right":   {Status: anchor.FieldAccepted},
		}
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			given := p.Codes[phone]
			field, known := answers[given]
			if !known {
				return anchor.Verdict{Status: anchor.CustomerNeedsInfo}, nil
			}
			v := anchor.Verdict{Fields: map[string]anchor.FieldVerdict{phone: field}, Status: anchor.CustomerNeedsInfo}
			if given == "right" {
				v.Status = anchor.CustomerAccepted
			}
			return v, nil
		})
		values := adaSender()
		values[phone] = "+4912345"
		id := d.mustPut(who, customers.Put{Values: values})
		for given, says := range map[string]string{"wrong": "that was not it", "unheard of": "the confirmation code is wrong"} {
			_, err := d.Put(t.Context(), who, customers.Put{Values: code(given)})
			d.requireCode(anchor.CodeInvalid, err)
			require.ErrorContains(t, err, says)
			require.Equal(t, anchor.FieldVerificationRequired, d.mustGet(who, customers.Query{}).Provided[phone].Status)
		}
		_, err := d.Put(t.Context(), who, customers.Put{Values: code("blocked")})
		d.requireCode(anchor.CodeInvalid, err)
		require.ErrorContains(t, err, "another number, please")
		require.Equal(t, anchor.FieldRejected, d.mustGet(who, customers.Query{}).Provided[phone].Status)

		d.mustPut(who, customers.Put{Values: map[string]string{phone: "+4912346"}})
		require.Equal(t, id, d.mustPut(who, customers.Put{Values: code("right")}))
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestACode_that_the_business_compares_can_be_guessed_at_five_times_too(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.waiting(who)
		var asked atomic.Int64
		d.business.answer(func(p anchor.CustomerPut) (anchor.Verdict, error) {
			field := anchor.FieldVerdict{Status: anchor.FieldVerificationRequired}
			if given := p.Codes[phone]; given != "" {
				asked.Add(1)
			}
			if p.Codes[phone] == "right" {
				field.Status = anchor.FieldAccepted
			}
			return anchor.Verdict{Status: anchor.CustomerNeedsInfo, Fields: map[string]anchor.FieldVerdict{phone: field}}, nil
		})
		again := func(number string) { d.mustPut(who, customers.Put{Values: map[string]string{phone: number}}) }
		again("+491")
		group, ctx := errgroup.WithContext(t.Context())
		for guess := range 12 {
			group.Go(func() error {
				_, err := d.Put(ctx, who, customers.Put{Values: code(fmt.Sprint(guess))})
				if anchor.CodeOf(err) != anchor.CodeInvalid && anchor.CodeOf(err) != anchor.CodeConflict {
					return fmt.Errorf("guess %d: %w", guess, err)
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		_, err := d.Put(t.Context(), who, customers.Put{Values: code("right")})
		d.requireCode(anchor.CodeInvalid, err)
		require.LessOrEqual(t, asked.Load(), int64(5*5), "five guesses, each asked about again at most while others change the customer")
		require.Contains(t, d.mustGet(who, customers.Query{}).Fields, phone, "it is to be given again")

		again("+491")
		for range 4 {
			_, err := d.Put(t.Context(), who, customers.Put{Values: code("wrong")})
			d.requireCode(anchor.CodeInvalid, err)
		}
		d.mustPut(who, customers.Put{Values: code("right")})
		require.Equal(t, anchor.FieldAccepted, d.mustGet(who, customers.Query{}).Provided[phone].Status, "the fifth is good")
	})
}

func TestAGuess_counts_even_if_the_business_could_not_be_asked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.waiting(who)
		d.business.answer(func(anchor.CustomerPut) (anchor.Verdict, error) {
			return anchor.Verdict{Fields: map[string]anchor.FieldVerdict{phone: {Status: anchor.FieldVerificationRequired}}}, nil
		})
		d.mustPut(who, customers.Put{Values: map[string]string{phone: "+491"}})
		d.business.answer(down)
		for range 5 {
			_, err := d.Put(t.Context(), who, customers.Put{Values: code("1")})
			require.ErrorIs(t, err, errDown)
		}
		_, err := d.Put(t.Context(), who, customers.Put{Values: code("1")})
		d.requireCode(anchor.CodeInvalid, err)
		require.ErrorContains(t, err, "has run out")
	})
}

func TestAField_is_sent_a_few_codes_an_hour(t *testing.T) {
	t.Parallel()
	for who, answer := range map[string]func(anchor.CustomerPut) (anchor.Verdict, error){
		"the toolkit": sends(phone, "123456"), "the business": sends(phone, ""),
	} {
		t.Run("that "+who+" compares", func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				d := newDesk(t, db, customers.CodesPerHour(3))
				who := plain(account())
				id := d.waiting(who)
				d.business.answer(answer)
				d.mustPut(who, customers.Put{Values: map[string]string{phone: "+492"}})
				d.mustPut(who, customers.Put{Values: map[string]string{phone: "+493"}})
				d.mustPut(who, customers.Put{Values: map[string]string{phone: "+493"}}) // the same is not sent another
				calls, events := d.business.calls(), d.history(id)
				_, err := d.Put(t.Context(), who, customers.Put{Values: map[string]string{phone: "+494", "city": "Berlin"}})
				d.requireCode(anchor.CodeInvalid, err)
				require.ErrorContains(t, err, "'mobile_number': 3 codes were sent within an hour")
				require.Equal(t, calls, d.business.calls())
				require.Equal(t, events, d.history(id))
				d.mustPut(who, customers.Put{Values: map[string]string{"city": "Berlin"}})

				other := plain(account())
				d.mustPut(other, customers.Put{Values: map[string]string{phone: "+494"}})
			})
		})
	}
}

func TestABusiness_leaves_a_code_for_what_it_decides_by_itself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.register(who)
		d.mustPut(who, customers.Put{Values: map[string]string{phone: "+1"}})
		verify := anchor.Verdict{Type: sender, Status: anchor.CustomerNeedsInfo, Fields: map[string]anchor.FieldVerdict{
			phone: {Status: anchor.FieldVerificationRequired, Code: "first"},
		}}
		require.NoError(t, d.SetStatus(t.Context(), id, verify, "business"))
		verify.Fields[phone] = anchor.FieldVerdict{Status: anchor.FieldVerificationRequired, Code: "second"}
		require.NoError(t, d.SetStatus(t.Context(), id, verify, "business"), "another code for the same field")
		_, err := d.Put(t.Context(), who, customers.Put{Values: code("first")})
		d.requireCode(anchor.CodeInvalid, err)
		d.mustPut(who, customers.Put{Values: code("second")})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)

		for name, field := range map[string]anchor.FieldVerdict{
			"a code for what is accepted": {Status: anchor.FieldAccepted, Code: "1"},
			"a code that is too long":     {Status: anchor.FieldVerificationRequired, Code: fmt.Sprintf("%0101d", 1)},
		} {
			verify.Fields[phone] = field
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(d.SetStatus(t.Context(), id, verify, "business")), name)
		}
	})
}

func TestACode_is_in_no_event(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.waiting(who)
		for _, event := range d.history(id) {
			require.NotContains(t, event.Detail+event.Reason, "123456")
		}
		require.NoError(t, d.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			c, err := tx.LockCustomer(ctx, id)
			if err != nil {
				return err
			}
			codes, err := tx.CodesOfCustomer(ctx, c)
			require.Equal(t, map[string]store.SentCode{phone: {Text: "123456", Tries: 5}}, codes)
			return err
		}))
	})
}
