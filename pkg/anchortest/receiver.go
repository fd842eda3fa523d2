package anchortest

import (
	"testing"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// ReceiverOptions tell CheckReceiver what it has to know of a receiver. The zero value is for receivers that accept what the
// toolkit has checked.
type ReceiverOptions struct {
	// Asset is what is received; zero: AssetCode of a made-up issuer, with 2 decimals and FundingMethod.
	Asset anchor.AssetInfo
	// Admitted is a sending anchor with an agreement; zero: none is known.
	Admitted anchor.SendingAnchor
	// AdmitsEverybody says that strangers are admitted on purpose, as development does.
	AdmitsEverybody bool
	// Request makes a request that the receiver accepts; an id, Admitted, Asset, its first funding method and an amount of 100
	// without fee are filled in where it has none. nil: one is made of what Info asks for, with accepted customers of the first
	// types and "123456", or the first choice, as the value of every field; whether that is accepted is not checked.
	Request func() anchor.PostRequest
	// Timeout is how long one call may take; zero: 10 seconds.
	Timeout time.Duration
	// AtOnce is how many calls are made at once where several are; zero: 8.
	AtOnce int
}

func (o ReceiverOptions) withDefaults() ReceiverOptions {
	if o.Asset.Code == "" {
		o.Asset = anchor.AssetInfo{Code: AssetCode, Issuer: madeUpIssuer, Decimals: 2, FundingMethods: []string{FundingMethod}}
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 8
	}
	return o
}

// madeUpIssuer is an account whose key nobody keeps.
const madeUpIssuer = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"

// CheckReceiver holds a receiver against what the toolkit relies on (anchor.Receiver). What it asks for never becomes a
// transaction, as happens in earnest too. Each rule is a subtest of its own where t is a *testing.T:
//
//   - Info asks for the same every time, in every language, and describes what it asks for (SEP-31 "GET Info")
//   - a stranger is not admitted, unless that is said to be on purpose; nobody is an error
//   - whom it admits it admits, with whatever memo
//   - a good request is accepted, again and again, to the same terms
//   - what it accepts can be carried out: types that Info names, a fee that the amount covers and whose parts add up
//   - requests and updates without people, fields and values are accepted or refused, and nothing else
//   - odd values are accepted or refused, and nothing else
//   - several requests at once are decided like one
//   - a call ends when its context does
//
// During all of it, whatever the rule, a receiver must not panic, must refuse with the functions of package anchor (any other
// error is a 500), must name in refusals only types and fields that Info names, must not change what it is given, and must
// repeat no personal value in its texts, which leave the house.
func CheckReceiver(t testing.TB, receiver anchor.Receiver, o ReceiverOptions) {
	t.Helper()
	if receiver == nil {
		t.Fatalf("CheckReceiver: there is no receiver")
		return
	}
	c := &receiverCheck{receiver: receiver, o: o.withDefaults()}
	follow(t, []rule{
		{"Info asks for the same every time", c.infoIsStable},
		{"Info describes what it asks for", c.infoDescribes},
		{"a stranger is not admitted", c.refusesStrangers},
		{"whom it admits it admits with whatever memo", c.admits},
		{"a good request is accepted again and again", c.accepts},
		{"what it accepts can be carried out", c.acceptsWhatCanBe},
		{"absent people, fields and values do no harm", c.bearsAbsence},
		{"odd values do no harm", c.bearsOddValues},
		{"several requests at once are decided like one", c.bearsSeveral},
		{"a call ends when its context does", c.endsWithContext},
	})
}
