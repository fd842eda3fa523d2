package refunds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// RemoteOptions say where the remote signer is.
type RemoteOptions struct {
	URL   string // https, or http on this machine; it may hold a key and is in no error
	Token string // sent as bearer token; empty: none
	HTTP  *http.Client
}

// Remote is a signer behind HTTP that keeps the keys: one POST per envelope, described in docs/refunds.md. It is safe for
// concurrent use.
type Remote struct {
	url, token string
	client     *http.Client
}

const (
	maxSignerAnswer = 64 << 10
	remoteTimeout   = 20 * time.Second
)

// NewRemote checks the address; it asks nothing.
func NewRemote(o RemoteOptions) (*Remote, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the address of the remote signer must begin with https:// and name a host")
	}
	client := http.Client{Timeout: remoteTimeout}
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Remote{url: o.URL, token: o.Token, client: &client}, nil
}

// signRequest is what the signer is asked: the envelope and what it is meant to do.
type signRequest struct {
	Account           string       `json:"account"`
	NetworkPassphrase string       `json:"network_passphrase"`
	EnvelopeXDR       string       `json:"envelope_xdr"`
	Hash              string       `json:"hash"`
	FeeBump           bool         `json:"fee_bump"`
	Refund            signedRefund `json:"refund"`
}

type signedRefund struct {
	ID                 string    `json:"id"`
	TransactionID      string    `json:"transaction_id,omitempty"`
	Destination        string    `json:"destination"`
	DestinationMuxedID string    `json:"destination_muxed_id,omitempty"`
	Asset              string    `json:"asset"`
	Amount             string    `json:"amount"`
	MemoType           string    `json:"memo_type,omitempty"`
	Memo               string    `json:"memo,omitempty"`
	MaxTime            time.Time `json:"max_time"`
	MaxFeeStroops      int64     `json:"max_fee_stroops"`
}

// signAnswer is what it answers: the signed envelope, or with status 403 why it does not sign.
type signAnswer struct {
	EnvelopeXDR string `json:"envelope_xdr"`
	Error       string `json:"error"`
}

// SignRefund asks the signer. Status 403 is a refusal; everything but 200 and 403 is a moment's trouble.
func (s *Remote) SignRefund(ctx context.Context, r anchor.RefundToSign) (anchor.SignedRefund, error) {
	body, err := json.Marshal(requestOf(r))
	if err != nil {
		return anchor.SignedRefund{}, fmt.Errorf("request to the signer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return anchor.SignedRefund{}, errors.New("the request to the signer cannot be made")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	status, answer, err := s.ask(req)
	switch {
	case err != nil:
		return anchor.SignedRefund{}, err
	case status == http.StatusForbidden:
		return anchor.SignedRefund{}, anchor.Refuse(orElse(cut(answer.Error, 300), "it gave no reason"))
	case status != http.StatusOK:
		return anchor.SignedRefund{}, fmt.Errorf("the signer answered with status %d", status)
	case answer.EnvelopeXDR == "":
		return anchor.SignedRefund{}, errors.New("the signer answered without an envelope")
	}
	return anchor.SignedRefund{EnvelopeXDR: answer.EnvelopeXDR}, nil
}

func (s *Remote) ask(req *http.Request) (status int, answer signAnswer, err error) {
	resp, err := s.client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) { // without the address: it may hold a key
			err = failed.Err
		}
		return 0, signAnswer{}, fmt.Errorf("the signer does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // what matters was read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxSignerAnswer))
	if err != nil {
		return 0, signAnswer{}, fmt.Errorf("the signer's answer breaks off: %w", err)
	}
	if err := json.Unmarshal(raw, &answer); err != nil && resp.StatusCode == http.StatusOK {
		return 0, signAnswer{}, errors.New("the signer's answer is no JSON")
	}
	return resp.StatusCode, answer, nil
}

func requestOf(r anchor.RefundToSign) signRequest {
	return signRequest{
		Account: r.Account, NetworkPassphrase: r.NetworkPassphrase, EnvelopeXDR: r.EnvelopeXDR, Hash: r.Hash, FeeBump: r.FeeBump,
		Refund: signedRefund{
			ID: r.RefundID, TransactionID: r.TransactionID, Destination: r.Destination, DestinationMuxedID: r.DestinationMuxedID,
			Asset: r.Asset, Amount: r.Amount, MemoType: r.MemoType, Memo: r.Memo, MaxTime: r.MaxTime.UTC(), MaxFeeStroops: r.MaxFeeStroops,
		},
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
