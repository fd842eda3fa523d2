package conformance

import (
	"fmt"
	"net/http"
	"strings"
)

// fetched is a transaction and what GET /transactions/:id said of it.
type fetched struct {
	id     string
	answer any
}

func getTransactionChecks() []check {
	return []check{
		{40, 31, "GET /transactions/:id can fetch a transaction", []int{37}, func(v *visit) error {
			if v.info[v.asset].quotesRequired {
				return nil // then there is none yet; 59 looks
			}
			return v.fetch(&v.transaction)
		}},
		{41, 31, "GET /transactions/:id has its shape", []int{40}, func(v *visit) error {
			if v.info[v.asset].quotesRequired {
				return nil
			}
			return v.transaction.goodShape()
		}},
		{42, 31, "GET /transactions/:id does not find an id that is none", []int{25, 32}, func(v *visit) error {
			_, err := v.demand(get(v.paymentsURL+"/transactions/not-an-id", nil).as(v.sending.token), http.StatusNotFound)
			return err
		}},
	}
}

func (v *visit) fetch(t *fetched) (err error) {
	t.answer, err = v.demandJSON(get(v.paymentsURL+"/transactions/"+t.id, nil).as(v.sending.token), http.StatusOK, anything)
	return err
}

func (t fetched) goodShape() error {
	if err := (object{must: map[string]rule{"transaction": transactionShape()}}).is("the answer", t.answer); err != nil {
		return err
	}
	answer, _ := t.answer.(map[string]any)
	shown, _ := answer["transaction"].(map[string]any)
	if id := textOf(shown, "id"); id != t.id {
		return expected("the id "+t.id, id)
	}
	return nil
}

func transactionShape() rule {
	optionalText := nullable(text)
	shape := object{
		must: map[string]rule{"id": text, "status": oneOf(
			"pending_sender", "pending_stellar", "pending_customer_info_update", "pending_transaction_info_update", "pending_receiver",
			"pending_external", "completed", "error")},
		may: map[string]rule{
			"status_eta": nullable(number), "started_at": moment, "completed_at": nullable(moment), "refunded": boolean,
			"required_info_updates": nullable(eachKey(anyName, anything)), "stellar_memo_type": nullable(oneOf("text", "id", "hash")),
		},
		more: true,
	}
	for _, key := range strings.Fields("amount_in amount_out amount_fee stellar_account_id stellar_memo " +
		"stellar_transaction_id external_transaction_id required_info_message") {
		shape.may[key] = optionalText
	}
	return shape.is
}

// quotedTransactionChecks need both SEPs; they ask for nothing where /info says that quotes are not supported.
func quotedTransactionChecks() []check {
	ifSupported := func(run func(*visit) error) func(*visit) error {
		return func(v *visit) error {
			if !v.info[v.asset].quotesSupported {
				return nil
			}
			return run(v)
		}
	}
	return []check{
		{58, 31, "POST /transactions can create a transaction with a quote", []int{25, 32, 34, 53}, ifSupported(createsQuoted)},
		{59, 31, "GET /transactions/:id can fetch a transaction with a quote", []int{58}, ifSupported(func(v *visit) error {
			return v.fetch(&v.quoted)
		})},
		{60, 31, "GET /transactions/:id has its shape for a transaction with a quote", []int{59}, ifSupported(func(v *visit) error {
			return v.quoted.goodShape()
		})},
	}
}

// createsQuoted sends what the quote sells, which need not be the asset of the other checks.
func createsQuoted(v *visit) error {
	sold := textOf(v.quote, "sell_asset")
	parts := strings.Split(sold, ":")
	if len(parts) < 2 {
		return fmt.Errorf("the quote sells %q", sold)
	}
	id, err := v.create(with(v.agreement(parts[1]), map[string]any{"quote_id": textOf(v.quote, "id")}))
	v.quoted.id = id
	return err
}
