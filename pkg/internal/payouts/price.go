package payouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

const (
	priceAtOnce = 100
	priceTries  = 20 // then it is for an operator to see why there is no price
)

var errNoQuotes = errors.New("there is no quote integration")

// Price is one pass that prices what was paid for without a firm quote (SEP-31 destination_asset): each payout once, by the
// price of the moment, which is committed before it can be sent. What cannot be exchanged is handed to an operator, a price
// that could not be got is asked for again later. It stops between two payouts when soft ends; hard cancels a call.
func (s *Service) Price(soft, hard context.Context) (worked bool, err error) {
	list, err := s.db.PayoutsToPrice(soft, priceAtOnce)
	for i := 0; i < len(list) && err == nil && soft.Err() == nil; i++ {
		err = s.priceOne(hard, list[i])
		worked = true
	}
	return worked, err
}

// priceOne keeps one payout's trouble from the others: only a database that does not answer is an error.
func (s *Service) priceOne(ctx context.Context, u store.Unpriced) error {
	priced, err := s.priced(ctx, u)
	if err == nil {
		_, err = s.db.SetPrice(ctx, u, priced, actorExecute)
		return err
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // cut off by the end of the process: it is asked again
	}
	log := s.log.With("payout", u.Payout.ID, "transaction", u.Transaction.ID, "error", err)
	if refusal := anchor.ProblemOf(err).Text; refusal != "" {
		log.ErrorContext(ctx, "a payout is not exchanged; an operator has to see to it")
		return s.db.GiveUpPricing(ctx, u, actorExecute, "there is no price: "+refusal)
	}
	const unsaid = "the business could not say the price"
	if u.Payout.Tries+1 >= priceTries {
		log.ErrorContext(ctx, "a payout has no price after many tries; an operator has to see to it")
		return s.db.GiveUpPricing(ctx, u, actorExecute, unsaid)
	}
	wait := s.RetryWait.After(u.Payout.Tries, spread())
	log.WarnContext(ctx, "a payout has no price", "again_in", wait)
	return s.db.PutOffPricing(ctx, u, wait, actorExecute, unsaid)
}

// priced asks for the price of what is to be paid out, fee included. What is finer than the received asset's decimals is fee
// as well: prices are made in them.
func (s *Service) priced(ctx context.Context, u store.Unpriced) (store.Priced, error) {
	request, whole, err := requestOf(u)
	if err != nil {
		return store.Priced{}, err
	}
	price, err := s.askPrice(ctx, request)
	if err != nil {
		return store.Priced{}, err
	}
	kept, err := price.SellAmount.Sub(price.Fee.Total)
	if err != nil {
		return store.Priced{}, fmt.Errorf("fee: %w", err)
	}
	if kept, err = kept.Rescale(money.StellarDecimals, money.Down); err != nil {
		return store.Priced{}, fmt.Errorf("amount after the fee: %w", err)
	}
	fee, err := whole.Sub(kept)
	if err != nil {
		return store.Priced{}, fmt.Errorf("fee: %w", err)
	}
	details, err := feeDetails(price.Fee, fee)
	if err != nil {
		return store.Priced{}, err
	}
	return store.Priced{
		FeeUnits: fee.Units(), FeeDetails: details, OutUnits: price.BuyAmount.Units(),
		Detail: fmt.Sprintf(`{"sold":%q,"fee":%q,"bought":%q}`, whole.Short(), fee.Short(), price.BuyAmount.Short()),
	}, nil
}

// requestOf also returns the whole amount, with Stellar's decimals.
func requestOf(u store.Unpriced) (anchor.PriceRequest, money.Amount, error) {
	t := u.Transaction
	whole, err := money.New(u.Payout.DebitUnits, money.StellarDecimals)
	if err != nil {
		return anchor.PriceRequest{}, whole, fmt.Errorf("amount: %w", err)
	}
	sell, err := whole.Rescale(int(t.Decimals), money.Down)
	if err != nil {
		return anchor.PriceRequest{}, whole, fmt.Errorf("amount: %w", err)
	}
	received, err := money.Stellar(t.AssetCode, t.AssetIssuer)
	if err != nil {
		return anchor.PriceRequest{}, whole, fmt.Errorf("received asset: %w", err)
	}
	destination, err := money.ParseAsset(t.OutAsset)
	if err != nil {
		return anchor.PriceRequest{}, whole, fmt.Errorf("destination asset: %w", err)
	}
	return anchor.PriceRequest{
		From: anchor.SendingAnchor{Account: t.OwnerAccount, MemoType: t.OwnerMemoType, Memo: t.OwnerMemo, ClientDomain: t.ClientDomain},
		Pair: anchor.Pair{Sell: received, Buy: destination}, SellDecimals: int(t.Decimals), BuyDecimals: int(t.OutDecimals),
		SellAmount: &sell, BuyDeliveryMethod: t.FundingMethod, Context: "sep31", Lang: t.Lang,
	}, whole, nil
}

// askPrice calls the business, bounded in time like a rail.
func (s *Service) askPrice(ctx context.Context, r anchor.PriceRequest) (price anchor.Price, err error) {
	if s.Quotes == nil {
		return price, errNoQuotes
	}
	ctx, cancel := context.WithTimeout(ctx, s.RailTimeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			s.panicked(ctx, "quotes", value)
			err = errors.New("the quote integration panicked")
		}
	}()
	if price, err = s.Quotes.Price(ctx, r); err != nil {
		return price, err
	}
	if err := price.Check(r); err != nil {
		return price, fmt.Errorf("price of the business: %w", err)
	}
	return price, nil
}

// feeDetails are the parts of the fee as SEP-31 shows them; what was rounded away is a part of its own, so that they add up.
func feeDetails(fee anchor.Fee, total money.Amount) (string, error) {
	if len(fee.Details) == 0 {
		return "", nil
	}
	said, err := fee.Total.Rescale(money.StellarDecimals, money.Down)
	if err != nil {
		return "", fmt.Errorf("fee: %w", err)
	}
	rounding, err := total.Sub(said)
	if err != nil {
		return "", fmt.Errorf("fee: %w", err)
	}
	list := make([]anchor.FeeDetail, 0, len(fee.Details)+1)
	for _, part := range fee.Details {
		list = append(list, anchor.FeeDetail{Name: part.Name, Description: part.Description, Amount: part.Amount.Short()})
	}
	if !rounding.IsZero() {
		list = append(list, anchor.FeeDetail{Name: "Rounding", Amount: rounding.Short()})
	}
	raw, err := json.Marshal(list)
	return string(raw), err
}
