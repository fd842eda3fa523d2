package config

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/money"
)

// Headers are those that Horizon is asked with.
func (n Network) Headers() (http.Header, error) {
	return headers("network.horizon_headers", n.HorizonHeaders)
}

// RPCHeader are those that the Stellar RPC is asked with.
func (n Network) RPCHeader() (http.Header, error) {
	return headers("network.rpc_headers", n.RPCHeaders)
}

// headers never repeats what it was given: the values are keys.
func headers(key string, text Secret) (http.Header, error) {
	list := http.Header{}
	for i, pair := range strings.Split(text.Reveal(), ";") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || !validHeader(name, value) {
			return nil, settingOf(key).fault(fmt.Sprintf("has a pair (number %d) that is no `Name: value`", i+1))
		}
		list.Add(name, value)
	}
	return list, nil
}

func validHeader(name, value string) bool {
	token := func(r rune) bool {
		return r > ' ' && r < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	}
	printable := func(r rune) bool { return r >= ' ' && r != 0x7f }
	return name != "" && strings.TrimFunc(name, token) == "" && value != "" && strings.TrimFunc(value, printable) == "" &&
		!slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding"}, textproto.CanonicalMIMEHeaderKey(name))
}

// refunds checks how money goes back and what is done with payments that are not what was agreed.
func (c *checker) refunds() {
	r := c.s.Refunds
	if address := r.SignerURL.Reveal(); address != "" {
		if u, problem := parseWebAddress(address); problem != "" {
			c.wrong("refunds.signer_url", problem)
		} else if u.Scheme != "https" && !c.s.Server.LocalMode {
			c.wrong("refunds.signer_url", "is not https")
		}
	}
	const least, most = time.Minute, time.Hour
	if r.TimeBound < least || r.TimeBound > most {
		c.wrong("refunds.time_bound", fmt.Sprintf("is %v", r.TimeBound))
	}
	c.stellarAccounts("refunds.excluded_accounts", r.ExcludedAccounts)
	c.stellarAccounts("refunds.treasury_accounts", r.TreasuryAccounts)
	c.policies()
}

func (c *checker) stellarAccounts(key string, list []string) {
	for _, account := range list {
		if !strkey.IsValidEd25519PublicKey(account) {
			c.wrong(key, "has "+show(account)+", which is no Stellar account")
		}
	}
}

func (c *checker) policies() {
	seen := map[string]bool{}
	for i, p := range c.s.Policies {
		at := fmt.Sprintf("policies[%d]", i)
		c.policyAsset(at+".asset", p.Asset, seen)
		for _, choice := range []struct {
			key, value string
			of         []string
		}{
			{"underpaid", p.Underpaid, []string{PolicyHold, PolicyAccept, PolicyAccumulate, PolicyRefund}},
			{"overpaid", p.Overpaid, []string{PolicyHold, PolicyAccept, PolicyRefundExcess}},
			{"late", p.Late, []string{PolicyHold, PolicyRefund}},
			{"duplicate", p.Duplicate, []string{PolicyHold, PolicyRefund}},
			{"wrong_asset", p.WrongAsset, []string{PolicyHold, PolicyRefund}},
			{"unmatched", p.Unmatched, []string{PolicyHold, PolicyRefund}},
		} {
			if !slices.Contains(choice.of, choice.value) {
				c.item(at+"."+choice.key, "is "+show(choice.value), "give one of: "+strings.Join(choice.of, ", "))
			}
		}
		for _, amount := range []struct{ key, value string }{
			{"tolerance", p.Tolerance}, {"refund_fee", p.RefundFee}, {"refund_floor", p.RefundFloor}, {"refund_daily_cap", p.RefundDailyCap},
		} {
			if _, err := money.Parse(amount.value, money.StellarDecimals); err != nil {
				c.item(at+"."+amount.key, "is "+show(amount.value)+", which is no amount", "give an amount of the asset, such as 0.5")
			}
		}
		c.refundFloor(at, p)
	}
}

// refundFloor: each refund costs a ledger of its own and a fee of the account's lumens, so whoever may ask for any number of
// them with dust keeps everybody else's waiting.
func (c *checker) refundFloor(at string, p Policy) {
	courses := []string{p.Underpaid, p.Overpaid, p.Late, p.Duplicate, p.WrongAsset, p.Unmatched}
	back := slices.ContainsFunc(courses, func(course string) bool {
		return course == PolicyRefund || course == PolicyRefundExcess || course == PolicyAccumulate
	})
	if floor, err := money.Parse(p.RefundFloor, money.StellarDecimals); back && err == nil && floor.IsZero() {
		c.item(at+".refund_floor", "is 0, although money goes back by itself: anybody could fill the queue of refunds with dust",
			"give the least amount that is worth a refund, such as 1")
	}
}

func (c *checker) policyAsset(at, name string, seen map[string]bool) {
	if name != "" {
		if asset, err := money.ParseAsset(name); err != nil || !asset.IsStellar() {
			c.item(at, "is "+show(name)+", which is no Stellar asset", "give stellar:CODE:ISSUER, stellar:native, or nothing for all assets")
		}
	}
	if seen[name] {
		c.item(at, "is "+show(name)+", which was there before", "give each asset one policy")
	}
	seen[name] = true
}
