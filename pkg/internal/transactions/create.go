package transactions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Created is what a sending anchor is answered (SEP-31 "POST Transactions"). Account and memo are empty while they are
// withheld. It holds no personal data.
type Created struct {
	ID               string `json:"id"`
	StellarAccountID string `json:"stellar_account_id,omitempty"`
	StellarMemoType  string `json:"stellar_memo_type,omitempty"`
	StellarMemo      string `json:"stellar_memo,omitempty"`
}

// Create agrees on a transaction (SEP-31 "POST Transactions"). What is wrong is refused in this order: asset, amount, the
// rest of the request, customers, fields, and what the business decides. Repeating a request under its idempotency key
// gives the first answer again; another request under that key is an error of CodeConflict.
func (s *Service) Create(ctx context.Context, who Admitted, r Request) (Created, error) {
	if err := who.check(); err != nil {
		return Created{}, err
	}
	key, err := keyOf(who.who, r)
	if err != nil {
		return Created{}, err
	}
	earlier, people, err := s.before(ctx, who.who, key, r)
	if err != nil {
		return Created{}, err
	}
	if earlier != nil {
		return key.repeated(*earlier)
	}
	a, err := s.agree(ctx, who.who, r, people)
	if err != nil {
		return Created{}, err
	}
	row, err := s.row(a)
	if err != nil {
		return Created{}, err
	}
	return s.keep(ctx, key, row, a.withheld())
}

// agreement is a request that was accepted, before it is a row.
type agreement struct {
	id               string
	who              anchor.SendingAnchor
	request          Request
	offer            offer
	method           string
	refundMemo       string
	priced           priced
	conversion       conversion
	sender, receiver party
}

// withheld tells whether the memo is not given out yet, because somebody is not accepted yet.
func (a agreement) withheld() bool { return a.sender.open || a.receiver.open }

// agree judges a request and asks the business. Nothing is written yet, and no database transaction is open.
func (s *Service) agree(
	ctx context.Context, who anchor.SendingAnchor, r Request, people map[string]*anchor.Customer,
) (agreement, error) {
	a := agreement{id: store.NewID(), who: who, request: r}
	amount, err := s.judge(ctx, &a)
	if err != nil {
		return agreement{}, err
	}
	if err := s.involve(ctx, &a, people); err != nil {
		return agreement{}, err
	}
	if a.conversion, err = s.convert(ctx, &a, amount); err != nil {
		return agreement{}, err
	}
	if a.priced, err = s.price(ctx, a, amount); err != nil {
		return agreement{}, err
	}
	if err := s.accept(ctx, &a); err != nil {
		return agreement{}, err
	}
	return a, a.tellable()
}

// tellable refuses to withhold a memo where one customer type is for both sides: which of them a customer is meant for could
// not be told by its type, and the customers have to be named with the request.
func (a agreement) tellable() error {
	if !a.withheld() {
		return nil
	}
	for _, customerType := range a.sender.types {
		if slices.Contains(a.receiver.types, customerType) {
			return anchor.CustomerInfoNeeded(customerType)
		}
	}
	return nil
}

// judge checks what can be told from the request and the asset alone.
func (s *Service) judge(ctx context.Context, a *agreement) (amount money.Amount, err error) {
	r := a.request
	if a.offer, err = s.catalog.find(ctx, r.AssetCode, r.AssetIssuer); err != nil {
		return amount, err
	}
	if amount, err = r.amount(a.offer); err != nil {
		return amount, err
	}
	if a.method, err = r.fundingMethod(a.offer); err != nil {
		return amount, err
	}
	if err := checkLang(r.Lang); err != nil {
		return amount, err
	}
	a.refundMemo, err = r.refundMemo()
	return amount, err
}

// involve finds both customers, most often among the people read already, and checks the fields, by what the business asks for.
func (s *Service) involve(ctx context.Context, a *agreement, people map[string]*anchor.Customer) error {
	info, err := s.receiver.Info(ctx, anchor.InfoRequest{Asset: a.offer.info, Lang: a.request.Lang})
	if err != nil {
		return fmt.Errorf("info: %w", err)
	}
	a.sender, err = s.party(ctx, a.who, side{"sender_id", a.request.SenderID, info.SenderTypes}, people)
	if err != nil {
		return err
	}
	a.receiver, err = s.party(ctx, a.who, side{"receiver_id", a.request.ReceiverID, info.ReceiverTypes}, people)
	if err != nil {
		return err
	}
	return checkFields(a.request.Fields, info.Fields)
}

// accept asks the business, which may name another fee and the roles of the customers.
func (s *Service) accept(ctx context.Context, a *agreement) error {
	accepted, err := s.receiver.ProcessPostRequest(ctx, anchor.PostRequest{
		ID: a.id, From: a.who, Asset: a.offer.info, Amount: a.priced.In, Fee: a.priced.fee(), FundingMethod: a.method,
		DestinationAsset: a.conversion.asset, Sender: a.sender.customer, Receiver: a.receiver.customer, Fields: maps.Clone(a.request.Fields),
		Lang: a.request.Lang, Price: a.conversion.price(a.priced),
	})
	if err != nil {
		return fmt.Errorf("process_post_request: %w", err)
	}
	if accepted.Fee != nil {
		if a.conversion.asset != a.offer.id() {
			return errors.New("process_post_request: the fee of a conversion is its price's and cannot be another")
		}
		if a.priced, err = priceWith(a.offer, a.priced.In, *accepted.Fee); err != nil {
			return err
		}
	}
	if err := a.sender.as(accepted.SenderType); err != nil {
		return err
	}
	return a.receiver.as(accepted.ReceiverType)
}

// row is the agreement as it is stored, its terms frozen; the memo is still to come.
func (s *Service) row(a agreement) (store.Transaction, error) {
	var t store.Transaction
	o, r := a.offer, a.request
	t.ID, t.OwnerAccount, t.OwnerMemoType, t.OwnerMemo, t.ClientDomain = a.id, a.who.Account, a.who.MemoType, a.who.Memo, a.who.ClientDomain
	t.AssetID, t.AssetCode, t.AssetIssuer, t.ReceivingAccount = o.ID, o.Code, o.Issuer, o.ReceivingAccount
	t.Decimals, t.MinUnits, t.MaxUnits, t.FeeFixedUnits, t.FeePercent = o.Decimals, o.MinUnits, o.MaxUnits, o.FeeFixedUnits, o.FeePercent
	t.FundingMethod, t.DestinationAsset, t.QuoteID, t.Lang = a.method, r.DestinationAsset, r.QuoteID, r.Lang
	t.RefundMemoType, t.RefundMemo = r.RefundMemoType, a.refundMemo
	t.ExpectedUnits, t.FeeUnits, t.OutUnits = a.priced.In.Units(), a.priced.Fee.Units(), a.priced.Out.Units()
	t.OutDecimals, t.OutAsset, t.Unpriced = int64(a.conversion.decimals), a.conversion.asset, a.conversion.open
	t.MemoType = s.options.MemoType
	if s.options.ETA != nil {
		t.EtaSeconds = int64(s.options.ETA(a.method).Seconds())
	}
	sender, receiver := a.sender, a.receiver
	t.TakePart(sender.id(), sender.role(), receiver.id(), receiver.role())
	var err error
	if a.withheld() {
		if err = t.Want(sender.types, receiver.types); err != nil {
			return t, err
		}
	}
	if t.FeeDetails, err = a.priced.details(); err != nil {
		return t, fmt.Errorf("fee details: %w", err)
	}
	if len(r.Fields) > 0 {
		if err := s.db.SealFields(&t, r.Fields); err != nil {
			return t, fmt.Errorf("seal the fields: %w", err)
		}
	}
	return t, nil
}
