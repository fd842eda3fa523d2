package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
)

// SuppliedByServer is what the business' own server brings.
func SuppliedByServer(r config.Remote) config.Supplied {
	return config.Supplied{Receiver: r.Asks(config.PartReceiver), Customers: r.Asks(config.PartCustomers), Quotes: r.Asks(config.PartQuotes)}
}

// remoteBusiness is what the business' own server is asked about.
func remoteBusiness(s config.Settings, log *slog.Logger) (anchor.Business, error) {
	if s.Remote.URL == "" {
		return anchor.Business{}, nil
	}
	keys, err := s.Remote.Keyring()
	if err != nil {
		return anchor.Business{}, err
	}
	o := remote.Options{
		URL: s.Remote.URL, AllowHTTP: s.Server.LocalMode, Timeout: s.Remote.Timeout, RailTimeout: s.Remote.RailTimeout, Log: log,
		Parts: remote.Parts{
			Receiver: s.Remote.Asks(config.PartReceiver), Customers: s.Remote.Asks(config.PartCustomers),
			Quotes: s.Remote.Asks(config.PartQuotes), Fee: s.Remote.Asks(config.PartFee), Rails: map[string]remote.RailTerms{},
		},
	}
	for _, key := range keys {
		o.Keys = append(o.Keys, remote.Key{ID: key.ID, Secret: []byte(key.Key.Reveal())})
	}
	for _, rail := range s.Rails {
		if rail.Kind == config.RailRemote {
			o.Parts.Rails[rail.Name] = remote.RailTerms{NotKnownFinalAfter: rail.NotKnownFinalAfter, SameKeySafeFor: rail.SameKeySafeFor}
		}
	}
	if s.Remote.CAFile != "" {
		if o.CA, err = os.ReadFile(s.Remote.CAFile); err != nil {
			return anchor.Business{}, fmt.Errorf("ANCHOR_REMOTE_CA_FILE: %w", err)
		}
	}
	return remote.New(o)
}

// Question asks the business' own server something about one part that changes nothing, whatever the answer.
type Question struct {
	Part string
	Ask  func(ctx context.Context) error // nil: it answered, and the answer is believed
}

// Questions are one for each part that the business' own server is asked about; none where there is no such server. There is
// none about fees: that of nothing cannot be asked for. Connections end by themselves soon after the last answer.
func Questions(s config.Settings) ([]Question, error) {
	b, err := remoteBusiness(s, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	var list []Question
	if b.Receiver != nil {
		list = append(list, Question{"receiver", func(ctx context.Context) error {
			_, err := b.Receiver.ValidSendingAnchor(ctx, anchor.SendingAnchor{Account: nobody})
			return err
		}})
	}
	if b.Customers != nil {
		list = append(list, Question{"customers", func(ctx context.Context) error {
			_, err := b.Customers.Get(ctx, anchor.CustomerGet{})
			return err
		}})
	}
	if b.Quotes != nil {
		list = append(list, Question{"quotes", func(ctx context.Context) error {
			_, err := b.Quotes.Offers(ctx, anchor.OffersRequest{})
			return err
		}})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Rails)) {
		list = append(list, Question{"rail " + name, func(ctx context.Context) error {
			_, err := b.Rails[name].PollOutgoing(ctx, nil)
			return err
		}})
	}
	for i, q := range list {
		list[i].Ask = func(ctx context.Context) error { return unanswered(q.Ask(ctx)) }
	}
	return list, nil
}

// nobody is the account of which no key is known: a question that is about nobody.
const nobody = "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF"

// unanswered keeps an error unless it is a refusal, which is an answer as well.
func unanswered(err error) error {
	refusals := []anchor.Code{anchor.CodeInvalid, anchor.CodeConflict, anchor.CodeCustomerInfoNeeded, anchor.CodeTransactionInfoNeeded}
	if slices.Contains(refusals, anchor.CodeOf(err)) {
		return nil
	}
	return err
}
