package anchortest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// receiverCheck calls a receiver.
type receiverCheck struct {
	receiver anchor.Receiver
	o        ReceiverOptions
}

// info asks what is asked for; ok is false if that is reported already.
func (c *receiverCheck) info(r *report, lang string) (info anchor.Info, ok bool) {
	r.Helper()
	info, err := attempt(r.Context(), r, c.o.Timeout, "Info", func(ctx context.Context) (anchor.Info, error) {
		return c.receiver.Info(ctx, anchor.InfoRequest{Asset: c.o.Asset, Lang: lang})
	})
	if err != nil && !errors.Is(err, errNoResult) {
		r.broken("Info in the language %q ended with an error: %v", lang, err)
	}
	return info, err == nil
}

// admitted asks about a sending anchor.
func (c *receiverCheck) admitted(r *report, who anchor.SendingAnchor) (admitted, ok bool) {
	r.Helper()
	admitted, err := attempt(r.Context(), r, c.o.Timeout, "ValidSendingAnchor", func(ctx context.Context) (bool, error) {
		return c.receiver.ValidSendingAnchor(ctx, who)
	})
	if err != nil && !errors.Is(err, errNoResult) {
		r.broken("ValidSendingAnchor of %q ended with an error: %v; whom it does not know it does not admit", who.Account, err)
	}
	return admitted, err == nil
}

// post asks about a request. Refusals are judged here; an error of another kind is reported here.
func (c *receiverCheck) post(ctx context.Context, r *report, p anchor.PostRequest) (anchor.Acceptance, error) {
	r.Helper()
	given := copyOfRequest(p)
	acceptance, err := attempt(ctx, r, c.o.Timeout, "ProcessPostRequest", func(ctx context.Context) (anchor.Acceptance, error) {
		return c.receiver.ProcessPostRequest(ctx, given)
	})
	if errors.Is(err, errNoResult) {
		return acceptance, err
	}
	if !reflect.DeepEqual(given, p) {
		r.broken("ProcessPostRequest changed the request that it was given; copy what you change")
	}
	people := peopleOf(anchor.Payout{Sender: p.Sender, Receiver: p.Receiver, Fields: p.Fields})
	c.judge(ctx, r, "ProcessPostRequest", err, people)
	return acceptance, err
}

// patch asks about an update.
func (c *receiverCheck) patch(ctx context.Context, r *report, fields map[string]string) {
	r.Helper()
	given := anchor.PatchRequest{
		Transaction: anchor.Transaction{ID: uuid.NewString(), Status: anchor.StatusPendingTransactionInfoUpdate}, Fields: maps.Clone(fields),
	}
	_, err := attempt(ctx, r, c.o.Timeout, "ProcessPatchRequest", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.receiver.ProcessPatchRequest(ctx, given)
	})
	if errors.Is(err, errNoResult) {
		return
	}
	if !maps.Equal(given.Fields, fields) {
		r.broken("ProcessPatchRequest changed the fields that it was given; copy what you change")
	}
	c.judge(ctx, r, "ProcessPatchRequest", err, slices.Collect(maps.Values(fields)))
}

// judge says whether a sending anchor can make something of a refusal.
func (c *receiverCheck) judge(ctx context.Context, r *report, method string, err error, people []string) {
	r.Helper()
	if err == nil || ctx.Err() != nil {
		return
	}
	problem := anchor.ProblemOf(err)
	switch problem.Code {
	case anchor.CodeInternal:
		r.broken("%s ended with an error that no function of package anchor made (%v): the sending anchor gets a 500; use Refuse, CustomerInfoNeeded or TransactionInfoNeeded", method, err)
		return
	case anchor.CodeCustomerInfoNeeded, anchor.CodeTransactionInfoNeeded:
		c.judgeNeeds(r, method, problem)
	default:
	}
	texts := []string{problem.Text}
	for _, field := range problem.Fields {
		texts = append(texts, field.Description)
	}
	for _, text := range texts {
		if _, found := repeats(text, people); found {
			r.broken("%s repeats a personal value in a refusal", method)
			return
		}
	}
}

// judgeNeeds: what is needed must be something that the sending anchor was told of.
func (c *receiverCheck) judgeNeeds(r *report, method string, p anchor.Problem) {
	r.Helper()
	info, ok := c.info(r, "")
	if !ok {
		return
	}
	_, sender := info.SenderTypes[p.Type]
	_, receiver := info.ReceiverTypes[p.Type]
	if p.Type != "" && !sender && !receiver {
		r.broken("%s needs information for the customer type %q, which Info does not name", method, p.Type)
	}
	if p.Code == anchor.CodeTransactionInfoNeeded && len(p.Fields) == 0 {
		r.broken("%s needs information about the transaction and names no field", method)
	}
	for name, field := range p.Fields {
		if _, known := info.Fields[name]; !known {
			r.broken("%s needs the field %q, which Info does not name", method, name)
		}
		if field.Description == "" {
			r.broken("%s needs the field %q and does not describe it", method, name)
		}
	}
}

// request makes a request that should be accepted; sure tells whether the business says so itself.
func (c *receiverCheck) request(r *report) (p anchor.PostRequest, sure, ok bool) {
	r.Helper()
	if sure = c.o.Request != nil; sure {
		p = c.o.Request()
	} else if p, ok = c.madeUp(r); !ok {
		return p, false, false
	}
	if err := c.complete(&p); err != nil {
		r.Errorf("make a request: %v", err)
		return p, sure, false
	}
	return p, sure, true
}

// madeUp is a request with everything that Info asks for.
func (c *receiverCheck) madeUp(r *report) (p anchor.PostRequest, ok bool) {
	r.Helper()
	info, ok := c.info(r, "")
	if !ok {
		return p, false
	}
	p.Sender, p.Receiver, p.Fields = somebody(info.SenderTypes), somebody(info.ReceiverTypes), map[string]string{}
	for name, field := range info.Fields {
		p.Fields[name] = "123456"
		if len(field.Choices) > 0 {
			p.Fields[name] = field.Choices[0]
		}
	}
	return p, true
}

// complete fills in what every request has.
func (c *receiverCheck) complete(p *anchor.PostRequest) (err error) {
	if p.ID == "" {
		p.ID = uuid.NewString()
	}
	if p.From == (anchor.SendingAnchor{}) {
		p.From = c.o.Admitted
	}
	if p.Asset.Code == "" {
		p.Asset = c.o.Asset
	}
	if p.FundingMethod == "" && len(p.Asset.FundingMethods) > 0 {
		p.FundingMethod = p.Asset.FundingMethods[0]
	}
	if p.Amount.IsZero() {
		if p.Amount, err = money.Parse("100", money.StellarDecimals); err != nil {
			return err
		}
		p.Fee.Total, err = money.New(0, money.StellarDecimals)
	}
	return err
}

// somebody is an accepted customer of the first type, or nobody where none is asked for.
func somebody(types map[string]anchor.CustomerType) *anchor.Customer {
	if len(types) == 0 {
		return nil
	}
	name := slices.Min(slices.Collect(maps.Keys(types)))
	return &anchor.Customer{
		ID: uuid.NewString(), Version: 1, Type: name, Statuses: map[string]anchor.CustomerStatus{name: anchor.CustomerAccepted},
		Values: map[string]string{"first_name": "Bruno José", "last_name": "Almeida", "bank_account_number": "000123456", "bank_number": "341000"},
	}
}

// copyOfRequest is a request that shares nothing with another.
func copyOfRequest(p anchor.PostRequest) anchor.PostRequest {
	p.Sender, p.Receiver, p.Fields = copyOfCustomer(p.Sender), copyOfCustomer(p.Receiver), maps.Clone(p.Fields)
	p.Asset.FundingMethods = slices.Clone(p.Asset.FundingMethods)
	p.Fee.Details = slices.Clone(p.Fee.Details)
	if p.Price != nil {
		price := *p.Price
		price.Fee.Details = slices.Clone(price.Fee.Details)
		p.Price = &price
	}
	return p
}
