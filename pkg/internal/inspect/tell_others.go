package inspect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// payment tells of a payment that names no transaction.
func (e *Explainer) payment(ctx context.Context, id string) (Story, error) {
	p, err := e.db.PaymentByID(ctx, id)
	if err != nil {
		return Story{}, err
	}
	f, err := e.paymentFile(ctx, p)
	if err != nil {
		return Story{}, err
	}
	around, err := e.surroundings(ctx, p.Account)
	if err != nil {
		return Story{}, err
	}
	s := newStory(store.SubjectPayment, id)
	s.fact("state", string(p.State))
	s.fact("judged", string(p.Judgement)+because(p.Reason))
	s.fact("amount", stroops(p.AmountUnits, p.AssetCode))
	s.fact("asset", strings.TrimSuffix(p.AssetCode+":"+p.AssetIssuer, ":"))
	s.fact("from", p.FromAccount)
	s.fact("to", p.Account+", "+memoWords(p.MemoType, p.Memo))
	tellPayment(&s, "payment", f)
	s.inOrder()
	if p.State == anchor.PaymentOpen {
		s.Why = append(s.Why, openPayment(p, ""))
	}
	s.Why = append(s.Why, around.refunds(f)...)
	if len(s.Why) == 0 {
		s.Why = []Reason{{Why: "nothing keeps it: it is " + string(p.State)}}
	}
	return s, nil
}

// quote tells of a quote that nobody redeemed.
func (e *Explainer) quote(ctx context.Context, id string) (Story, error) {
	q, err := e.db.QuoteByID(ctx, id)
	if err != nil {
		return Story{}, err
	}
	now, err := e.db.Clock(ctx)
	if err != nil {
		return Story{}, err
	}
	s := newStory(store.SubjectQuote, id)
	s.fact("sending anchor", q.OwnerAccount)
	s.fact("sells", units(q.SellUnits, q.SellDecimals)+" "+q.SellAsset)
	s.fact("buys", units(q.BuyUnits, q.BuyDecimals)+" "+q.BuyAsset)
	s.fact("fee", units(q.FeeUnits, q.SellDecimals))
	s.fact("good until", instant(store.At(q.ExpiresUs)))
	s.line(Line{At: store.At(q.CreatedUs), Of: "quote", What: "given"})
	if expires := store.At(q.ExpiresUs); now.After(expires) {
		s.Why = []Reason{{Why: "it ran out at " + instant(expires) + " and no transaction had redeemed it", Mend: "the sending anchor asks for a new one"}}
	} else {
		s.Why = []Reason{{Why: "no transaction has redeemed it yet; it is good until " + instant(expires)}}
	}
	return s, nil
}

// movement tells of money that left a receiving account without a refund of ours.
func (e *Explainer) movement(ctx context.Context, hash string) (Story, error) {
	rows, err := e.db.MovementsOfHash(ctx, hash)
	if err != nil {
		return Story{}, err
	}
	s := newStory(store.SubjectMovement, hash)
	unexplained := false
	for _, m := range rows {
		s.line(Line{
			At: store.At(m.ClosedUs), Of: "account " + m.Account, By: "ledger " + fmt.Sprint(m.Ledger), Why: m.Reason,
			What: fmt.Sprintf("%s: %s left for %s with %s", strings.ReplaceAll(m.Kind, "_", " "), stroops(m.AmountUnits, m.AssetCode), m.ToAccount, memoWords(m.MemoType, m.Memo)),
		})
		s.fact("explained by", m.Explained)
		unexplained = unexplained || m.Explained == ""
	}
	if unexplained {
		s.Why = []Reason{{
			Why:  "nobody has explained it: the refunds of its account stop until somebody does",
			Mend: "find out who signed it; a key may be in other hands. 'anchor refunds --help' says how to record what it was",
		}}
	} else {
		s.Why = []Reason{{Why: "nothing keeps it: it is explained"}}
	}
	return s, nil
}

// customer tells of a person without a word of what they gave.
func (e *Explainer) customer(ctx context.Context, id string) (Story, error) {
	c, err := e.db.CustomerEvenDeleted(ctx, id)
	if err != nil {
		return Story{}, err
	}
	s := newStory(store.SubjectCustomer, id)
	s.fact("sending anchor", strings.TrimSpace(c.OwnerAccount+" "+c.Memo))
	s.fact("version", fmt.Sprint(c.Version))
	if c.DeletedUs > 0 {
		s.fact("deleted", instant(store.At(c.DeletedUs)))
	}
	events, err := e.db.History(ctx, store.SubjectCustomer, id)
	if err != nil {
		return Story{}, err
	}
	tellEvents(&s, "customer", events)
	callbacks, err := e.db.CallbacksOf(ctx, store.SubjectCustomer, id)
	if err != nil {
		return Story{}, err
	}
	tellCallbacks(&s, callbacks)
	s.inOrder()
	if s.Why, err = e.customerWhy(ctx, c, &s); err != nil {
		return Story{}, err
	}
	now, err := e.db.Clock(ctx)
	if err != nil {
		return Story{}, err
	}
	s.Why = append(s.Why, callbackTrouble(callbacks, now, "the sending anchor about this customer")...)
	if len(s.Why) == 0 {
		s.Why = []Reason{{Why: "nothing keeps it: it is accepted wherever it was judged"}}
	}
	return s, nil
}

func (e *Explainer) customerWhy(ctx context.Context, c store.Customer, s *Story) ([]Reason, error) {
	if c.DeletedUs > 0 {
		erased := "its data are kept, encrypted, until nothing needs them any more"
		if c.SealedKey == "" {
			erased = "the key to its data is destroyed"
		}
		return []Reason{{Why: "it was deleted at " + instant(store.At(c.DeletedUs)) + "; " + erased}}, nil
	}
	statuses, err := e.db.StatusesOfCustomer(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var list []Reason
	for _, typ := range sortedKeys(statuses) {
		status := statuses[typ]
		s.fact("as "+typ, string(status.Status)+because(status.Message))
		wants, err := e.wants(ctx, c.ID, typ)
		if err != nil {
			return nil, err
		}
		p := party{role: "customer", id: c.ID, typ: typ, status: status.Status, message: status.Message, wants: wants}
		if r, waits := p.waiting(); waits {
			r.Why = strings.Replace(r.Why, "it waits for the KYC of the customer (customer "+c.ID+", type "+typ+")", "as "+typ+" it is not accepted", 1)
			list = append(list, r)
		}
	}
	if len(statuses) == 0 {
		list = append(list, Reason{Why: "it was judged for no type yet", Mend: "the sending anchor asks by GET /customer with a type"})
	}
	open, err := e.openOf(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	s.fact("transactions", strings.Join(open, ", "))
	return list, nil
}

// openOf names the newest transactions of a customer with how they stand.
func (e *Explainer) openOf(ctx context.Context, customerID string) ([]string, error) {
	ids, err := e.db.TransactionsOfCustomer(ctx, customerID)
	if err != nil {
		return nil, err
	}
	const most = 10
	var list []string
	for _, id := range ids[:min(len(ids), most)] {
		t, err := e.db.TransactionByID(ctx, id)
		if err != nil {
			return nil, err
		}
		list = append(list, id+" "+string(t.Status))
	}
	return list, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
