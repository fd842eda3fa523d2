package remote

import (
	"context"
	"errors"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

type asset struct {
	Code           string   `json:"code"`
	Issuer         string   `json:"issuer,omitempty"`
	Decimals       int      `json:"decimals"`
	FundingMethods []string `json:"funding_methods"`
}

func assetOf(a anchor.AssetInfo) asset {
	return asset{a.Code, a.Issuer, a.Decimals, append([]string{}, a.FundingMethods...)}
}

type sendingAnchor struct {
	Account      string `json:"account"`
	MemoType     string `json:"memo_type,omitempty"`
	Memo         string `json:"memo,omitempty"`
	Muxed        string `json:"muxed,omitempty"`
	ClientDomain string `json:"client_domain,omitempty"`
}

// sendingAnchorOf is nil for somebody without a token.
func sendingAnchorOf(a anchor.SendingAnchor) *sendingAnchor {
	if a == (anchor.SendingAnchor{}) {
		return nil
	}
	said := sendingAnchor(a)
	return &said
}

// receiver is safe for concurrent use, as all parts are.
type receiver struct {
	part
	admitted *admissions
}

type infoRequest struct {
	Asset asset  `json:"asset"`
	Lang  string `json:"lang"`
}

type infoAnswer struct {
	SenderTypes   map[string]anchor.CustomerType `json:"sender_types"`
	ReceiverTypes map[string]anchor.CustomerType `json:"receiver_types"`
	Fields        map[string]anchor.Field        `json:"fields"`
}

func (r receiver) Info(ctx context.Context, q anchor.InfoRequest) (anchor.Info, error) {
	a, err := ask[infoAnswer](ctx, r.part, "/v1/info", infoRequest{assetOf(q.Asset), q.Lang})
	if err != nil {
		return anchor.Info{}, err
	}
	if a.SenderTypes == nil || a.ReceiverTypes == nil {
		return anchor.Info{}, errors.New("business server: /v1/info: sender_types and receiver_types must be there, if only as {}")
	}
	return anchor.Info(a), nil
}

// ValidSendingAnchor asks the server each time. While it cannot be asked, its last word counts for a few minutes if it was yes.
func (r receiver) ValidSendingAnchor(ctx context.Context, who anchor.SendingAnchor) (bool, error) {
	type request struct {
		From *sendingAnchor `json:"from"`
	}
	type answer struct {
		Valid *bool `json:"valid"`
	}
	a, err := ask[answer](ctx, r.part, "/v1/sending-anchor", request{sendingAnchorOf(who)})
	if f, ok := errors.AsType[fault](err); ok && f.passing && ctx.Err() == nil && r.admitted.recent(who) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if a.Valid == nil {
		return false, errors.New("business server: /v1/sending-anchor: valid must be true or false")
	}
	r.admitted.note(who, *a.Valid)
	return *a.Valid, nil
}

type postRequest struct {
	ID               string            `json:"id"`
	From             *sendingAnchor    `json:"from"`
	Asset            asset             `json:"asset"`
	Amount           money.Amount      `json:"amount"`
	Fee              fee               `json:"fee"`
	FundingMethod    string            `json:"funding_method"`
	DestinationAsset string            `json:"destination_asset,omitempty"`
	Sender           *customer         `json:"sender,omitempty"`
	Receiver         *customer         `json:"receiver,omitempty"`
	Fields           map[string]string `json:"fields,omitempty"`
	Lang             string            `json:"lang,omitempty"`
	Price            *price            `json:"price,omitempty"`
}

type acceptance struct {
	Accepted     bool   `json:"accepted"`
	Fee          *fee   `json:"fee"`
	SenderType   string `json:"sender_type"`
	ReceiverType string `json:"receiver_type"`
}

var errNotAccepted = errors.New("business server: accepted must be true; what is not accepted is refused with status 422")

func (r receiver) ProcessPostRequest(ctx context.Context, q anchor.PostRequest) (anchor.Acceptance, error) {
	a, err := ask[acceptance](ctx, r.part, "/v1/transactions/check", postRequestOf(q))
	if err != nil {
		return anchor.Acceptance{}, err
	}
	if !a.Accepted {
		return anchor.Acceptance{}, errNotAccepted
	}
	accepted := anchor.Acceptance{SenderType: a.SenderType, ReceiverType: a.ReceiverType}
	if a.Fee != nil {
		f, err := a.Fee.read(money.StellarDecimals)
		if err != nil {
			return anchor.Acceptance{}, nonsense("/v1/transactions/check", err)
		}
		accepted.Fee = &f
	}
	return accepted, nil
}

func postRequestOf(q anchor.PostRequest) postRequest {
	said := postRequest{
		ID: q.ID, From: sendingAnchorOf(q.From), Asset: assetOf(q.Asset), Amount: q.Amount, Fee: feeOf(q.Fee), FundingMethod: q.FundingMethod,
		DestinationAsset: q.DestinationAsset, Sender: customerOf(q.Sender), Receiver: customerOf(q.Receiver), Fields: q.Fields, Lang: q.Lang,
	}
	if q.Price != nil {
		said.Price = &price{SellAmount: q.Price.SellAmount.String(), BuyAmount: q.Price.BuyAmount.String(), Fee: feeOf(q.Price.Fee)}
	}
	return said
}

func (r receiver) ProcessPatchRequest(ctx context.Context, q anchor.PatchRequest) error {
	type request struct {
		Transaction anchor.Transaction `json:"transaction"`
		Fields      map[string]string  `json:"fields"`
	}
	a, err := ask[acceptance](ctx, r.part, "/v1/transactions/check-update", request{q.Transaction, q.Fields})
	if err != nil {
		return err
	}
	if !a.Accepted {
		return errNotAccepted
	}
	return nil
}

type fees struct{ part }

// fee is in the asset that is received, with any of its decimals on the network.
func (f fees) fee(ctx context.Context, q anchor.FeeRequest) (anchor.Fee, error) {
	type request struct {
		From          *sendingAnchor `json:"from"`
		Asset         asset          `json:"asset"`
		Amount        money.Amount   `json:"amount"`
		FundingMethod string         `json:"funding_method"`
	}
	a, err := ask[fee](ctx, f.part, "/v1/fee", request{sendingAnchorOf(q.From), assetOf(q.Asset), q.Amount, q.FundingMethod})
	if err != nil {
		return anchor.Fee{}, err
	}
	said, err := a.read(money.StellarDecimals)
	if err != nil {
		return anchor.Fee{}, nonsense("/v1/fee", err)
	}
	return said, nil
}
