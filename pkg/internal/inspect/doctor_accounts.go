package inspect

import (
	"context"
	"fmt"

	"github.com/stellar/go-stellar-sdk/keypair"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// accounts are the probes of the receiving accounts, which need both the database and a Horizon.
func (x *examination) accounts(b books) []probe {
	net, ok := x.network()
	if !ok {
		return nil
	}
	var probes []probe
	for _, a := range b.accounts {
		probes = append(probes, probe{"account " + a.Account, func(ctx context.Context) []Finding { return x.account(ctx, b, net, a) }})
	}
	return probes
}

func (x *examination) account(ctx context.Context, b books, net observed, a store.ReceivingAccount) []Finding {
	check := "account " + a.Account
	on, err := net.horizon.Account(ctx, a.Account)
	switch {
	case notThere(err):
		return []Finding{bad(check, "does not exist on the network", "fund it with XLM for its reserve and let it trust its assets")}
	case err != nil:
		return []Finding{bad(check, "cannot be looked at: "+err.Error(), "try again; the other lines say how the Horizon is")}
	}
	found := []Finding{good(check, "exists")}
	for _, asset := range b.assets {
		if asset.ReceivingAccount == a.Account && asset.Enabled {
			found = append(found, trust(on, asset))
		}
	}
	return append(found, x.signer(ctx, b, on, a)...)
}

// trust says whether the account can take what an asset's transactions bring.
func trust(on stellar.Account, asset store.Asset) Finding {
	check := "trust line for " + asset.Code
	if asset.Issuer == on.ID || asset.Issuer == "" {
		return good(check, "needs none")
	}
	line, ok := on.Balance(asset.Code, asset.Issuer)
	switch {
	case !ok:
		return bad(check, on.ID+" does not trust it: payments fail", "add the trust line to "+asset.Code+":"+asset.Issuer)
	case !line.Authorized:
		return bad(check, on.ID+" is not authorized by the issuer: payments fail", "ask the issuer of "+asset.Code+" to authorize it")
	case line.Room() < max(asset.MaxUnits, 1):
		return bad(check, fmt.Sprintf("only %s more fit into it", stroops(line.Room(), asset.Code)), "raise its limit, or move what is there elsewhere")
	default:
		return good(check, fmt.Sprintf("%s are there, %s more fit", stroops(line.Units, asset.Code), stroops(line.Room(), asset.Code)))
	}
}

// The kinds of signer of receiving accounts.
const (
	signerSealed = "sealed"
	signerRemote = "remote"
)

// signer says whether refunds from the account can be signed.
func (x *examination) signer(ctx context.Context, b books, on stellar.Account, a store.ReceivingAccount) []Finding {
	check := "signer of " + a.Account
	switch a.Signer {
	case signerSealed:
		return []Finding{sealedSigner(ctx, b, check, on)}
	case signerRemote:
		if !x.plan.RemoteSigner {
			return []Finding{bad(check, "is remote, and the settings name none", "set ANCHOR_SIGNER_URL")}
		}
		return []Finding{good(check, "is remote")}
	}
	for _, asset := range b.assets {
		if asset.ReceivingAccount == a.Account && x.plan.SendsBack != nil && x.plan.SendsBack(asset.Code, asset.Issuer) {
			return []Finding{bad(check, "there is none, and the policy of "+asset.Code+" sends payments back",
				"give its seed with 'anchor create-asset "+asset.Code+" --update --prompt-seed', or use a remote signer")}
		}
	}
	return []Finding{good(check, "none: nothing can be sent back from it")}
}

func sealedSigner(ctx context.Context, b books, check string, on stellar.Account) Finding {
	seed, err := b.db.Seed(ctx, on.ID)
	if err != nil {
		return bad(check, "its seed does not open: "+err.Error(), "give ANCHOR_MASTER_KEYS as it was when the seed was stored")
	}
	pair, err := keypair.ParseFull(seed)
	if err != nil {
		return bad(check, "what is kept as its seed is none", "give the seed again with 'anchor create-asset CODE --update --prompt-seed'")
	}
	weight := 0
	for _, s := range on.Signers {
		if s.Key == pair.Address() {
			weight = s.Weight
		}
	}
	if need := max(on.Thresholds.Medium, 1); weight < need {
		return bad(check, fmt.Sprintf("%s has weight %d there, a payment needs %d", pair.Address(), weight, need),
			"give the seed of a signer with enough weight, or use a remote signer that gathers signatures")
	}
	return good(check, fmt.Sprintf("%s opens and may sign payments", pair.Address()))
}
