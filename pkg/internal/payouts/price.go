package payouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

const (
	priceAtOnce  = 100 // payouts that a pass reads
	pricesAtOnce = 4   // of which the business is asked at a time
)

var (
	errNoQuotes      = errors.New("there is no quote integration")
	errNoPriceInTime = errors.New("the quote integration did not answer in time")
)

// Price is one pass that prices what was paid for without a firm quote (SEP-31 destination_asset): each payout once, by the
// price of the moment, which is committed before it can be sent. What cannot be exchanged is handed to an operator, a price
// that could not be got is asked for again later, and none keeps the others waiting. It begins no more once soft has ended;
// hard cancels a call.
func (s *Service) Price(soft, hard context.Context) (worked bool, err error) {
	list, err := s.db.PayoutsToPrice(soft, priceAtOnce)
	if err != nil {
		return false, err
	}
	var group errgroup.Group
	group.SetLimit(pricesAtOnce)
	errs := make([]error, len(list))
	for i, u := range list {
		group.Go(func() error {
			if soft.Err() == nil {
				errs[i] = s.priceOne(hard, u)
			}
			return nil
		})
	}
	_ = group.Wait() // each error has its place
	return len(list) > 0, errors.Join(errs...)
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
	if u.Payout.Tries+1 >= int64(s.MaxTries) {
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

// quotesRail is the name in the log of who is asked for prices, which is no rail.
const quotesRail = "quote integration"

// askPrice calls the business like a rail: bounded in time, and left behind if it does not heed that.
func (s *Service) askPrice(ctx context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	if s.Quotes == nil {
		return anchor.Price{}, errNoQuotes
	}
	window, cancel := context.WithTimeout(ctx, s.RailTimeout)
	defer cancel()
	deadline, _ := window.Deadline()
	nobody := func(said) {} // a price that comes too late binds nobody
	a := askRail(s, ctx, quotesRail, deadline, func(ctx context.Context) said { return s.hear(ctx, r) }, nobody, said{err: errNoPriceInTime})
	return a.price, a.err
}

// said is what the business answers when it is asked for a price.
type said struct {
	price anchor.Price
	err   error
}

func (s *Service) hear(ctx context.Context, r anchor.PriceRequest) (a said) {
	defer func() {
		if value := recover(); value != nil {
			s.panicked(ctx, quotesRail, value)
			a.err = errors.New("the quote integration panicked")
		}
	}()
	if a.price, a.err = s.Quotes.Price(ctx, r); a.err != nil {
		return a
	}
	if err := a.price.Check(r); err != nil {
		a.err = fmt.Errorf("price of the business: %w", err)
	}
	return a
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
