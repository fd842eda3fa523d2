package sandbox

import (
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

func native(to *keypair.Full, amount string) []txnbuild.Operation {
	return []txnbuild.Operation{pay(to, txnbuild.NativeAsset{}, amount)}
}

func refusalOf(t *testing.T, err error) *RefusedError {
	t.Helper()
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	return refused
}

func TestTransaction_that_is_not_valid_is_refused_and_enters_no_ledger(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, other, poor, ghost := l.account(), l.account(), keypair.MustRandom(), keypair.MustRandom()
	l.do(sender, &txnbuild.CreateAccount{Destination: poor.Address(), Amount: "1"})
	now := l.second.Load()
	next := l.net.Latest().Sequence + 1
	for name, c := range map[string]struct {
		i    intent
		code string
		ops  []string
	}{
		"a sequence number that was used":     {intent{sequence: l.sequence(sender)}, "tx_bad_seq", nil},
		"a sequence number that leaves a gap": {intent{sequence: l.sequence(sender) + 2}, "tx_bad_seq", nil},
		"no signature":                        {intent{unsigned: true}, "tx_bad_auth", nil},
		"somebody else's signature":           {intent{signers: []*keypair.Full{other}}, "tx_bad_auth", nil},
		"a signature too many":                {intent{signers: []*keypair.Full{sender, other}}, "tx_bad_auth_extra", nil},
		"time bounds not yet begun": {
			intent{times: txnbuild.NewTimebounds(now+10, now+20)}, "tx_too_early", nil,
		},
		"time bounds that are over": {intent{times: txnbuild.NewTimebounds(1, now-1)}, "tx_too_late", nil},
		"ledger bounds not yet begun": {
			intent{ledgers: &txnbuild.LedgerBounds{MinLedger: uint32(next) + 1000}}, "tx_too_early", nil,
		},
		"ledger bounds that are over": {
			intent{ledgers: &txnbuild.LedgerBounds{MaxLedger: uint32(next)}}, "tx_too_late", nil,
		},
		"a source that does not exist":   {intent{by: ghost, sequence: 1}, "tx_no_source_account", nil},
		"a source that cannot pay a fee": {intent{by: poor}, "tx_insufficient_balance", nil},
		"an operation of somebody who did not sign": {
			intent{ops: []txnbuild.Operation{&txnbuild.Payment{
				SourceAccount: other.Address(), Destination: sender.Address(), Asset: txnbuild.NativeAsset{}, Amount: "1",
			}}}, "tx_failed", []string{"op_bad_auth"},
		},
		"an account that is its own signer": {
			intent{ops: []txnbuild.Operation{&txnbuild.SetOptions{Signer: &txnbuild.Signer{
				Address: sender.Address(), Weight: 1,
			}}}}, "tx_failed", []string{"op_bad_signer"},
		},
		"an account that creates itself": {
			intent{ops: []txnbuild.Operation{&txnbuild.CreateAccount{Destination: sender.Address(), Amount: "5"}}},
			"tx_failed", []string{"op_malformed"},
		},
		"an operation that the sandbox does not know": {
			intent{ops: append(native(other, "1"), &txnbuild.BumpSequence{BumpTo: 1})},
			"tx_failed", []string{"op_success", "op_not_supported"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.i.by == nil {
				c.i.by = sender
			}
			if c.i.ops == nil {
				c.i.ops = native(other, "1")
			}
			before := len(l.net.Transactions())
			_, err := l.net.Submit(l.envelope(c.i))
			refused := refusalOf(t, err)
			require.Equal(t, c.code, refused.TransactionCode)
			require.Equal(t, c.ops, nilIfEmpty(refused.OperationCodes))
			requireResult(t, refused)
			require.Zero(t, l.net.CloseLedger().Failed)
			require.Len(t, l.net.Transactions(), before)
		})
	}
}

func nilIfEmpty(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// requireResult checks that the XDR of the result is one and says the same as the words.
func requireResult(t *testing.T, refused *RefusedError) {
	t.Helper()
	var result xdr.TransactionResult
	require.NoError(t, xdr.SafeUnmarshalBase64(refused.ResultXDR, &result))
	require.Equal(t, refused.TransactionCode, verdict{code: result.Result.Code}.name())
	results, _ := result.OperationResults()
	require.Len(t, results, len(refused.OperationCodes))
}

func TestTransaction_of_another_network_is_refused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	tx := l.transaction(intent{by: sender, unsigned: true, ops: native(sender, "1")})
	tx, err := tx.Sign("Another Network", sender)
	require.NoError(t, err)
	envelope, err := tx.Base64()
	require.NoError(t, err)
	_, err = l.net.Submit(envelope)
	require.Equal(t, "tx_bad_auth", refusalOf(t, err).TransactionCode)
}

func TestTransaction_below_the_least_fee_is_refused(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.BaseFee = 101 })
	sender := l.account()
	_, err := l.net.Submit(l.envelope(intent{by: sender, ops: native(sender, "1")}))
	require.Equal(t, "tx_insufficient_fee", refusalOf(t, err).TransactionCode)
}

func TestOld_envelope_is_not_supported(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	old, err := xdr.MarshalBase64(xdr.TransactionEnvelope{
		Type: xdr.EnvelopeTypeEnvelopeTypeTxV0, V0: &xdr.TransactionV0Envelope{Tx: xdr.TransactionV0{}},
	})
	require.NoError(t, err)
	_, err = l.net.Submit(old)
	require.Equal(t, "tx_not_supported", refusalOf(t, err).TransactionCode)
}

func TestOperation_that_fails_enters_the_ledger_with_its_code(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder, stranger, poor, ghost := l.account(), l.account(), keypair.MustRandom(), keypair.MustRandom()
	issuer, usdc := l.asset("USDC", holder)
	limited := l.account()
	l.do(limited, &txnbuild.ChangeTrust{Line: usdc.MustToChangeTrustAsset(), Limit: "10"})
	l.do(holder, &txnbuild.CreateAccount{Destination: poor.Address(), Amount: "1.0001"})
	closed := l.account()
	l.do(closed, &txnbuild.SetOptions{SetFlags: []txnbuild.AccountFlag{txnbuild.AuthRequired}})
	shut := txnbuild.CreditAsset{Code: "SHUT", Issuer: closed.Address()}
	l.do(holder, trust(shut))
	unissued := txnbuild.CreditAsset{Code: "NONE", Issuer: ghost.Address()}
	for name, c := range map[string]struct {
		by   *keypair.Full
		op   txnbuild.Operation
		code string
	}{
		"to one without a trust line":          {holder, pay(stranger, usdc, "9999999"), "op_no_trust"},
		"more than a balance of credit":        {holder, pay(issuer, usdc, "9999999"), "op_underfunded"},
		"more lumens than above the reserve":   {stranger, pay(holder, txnbuild.NativeAsset{}, "9999"), "op_underfunded"},
		"to nobody":                            {holder, pay(ghost, txnbuild.NativeAsset{}, "1"), "op_no_destination"},
		"from one without a trust line":        {stranger, pay(holder, usdc, "1"), "op_src_no_trust"},
		"over a limit":                         {issuer, pay(limited, usdc, "10.0000001"), "op_line_full"},
		"to a line that is not authorized":     {closed, pay(holder, shut, "1"), "op_not_authorized"},
		"create what exists":                   {holder, &txnbuild.CreateAccount{Destination: stranger.Address(), Amount: "5"}, "op_already_exists"},
		"create below the reserve":             {holder, &txnbuild.CreateAccount{Destination: ghost.Address(), Amount: "0.9999999"}, "op_low_reserve"},
		"create with more than one has":        {holder, &txnbuild.CreateAccount{Destination: ghost.Address(), Amount: "99999"}, "op_underfunded"},
		"trust an issuer who does not exist":   {holder, trust(unissued), "op_no_issuer"},
		"trust without a reserve":              {poor, trust(usdc), "op_low_reserve"},
		"remove a line that is not there":      {stranger, &txnbuild.ChangeTrust{Line: usdc.MustToChangeTrustAsset(), Limit: "0"}, "op_invalid_limit"},
		"remove a line with a balance":         {holder, &txnbuild.ChangeTrust{Line: usdc.MustToChangeTrustAsset(), Limit: "0"}, "op_invalid_limit"},
		"data without a reserve":               {poor, &txnbuild.ManageData{Name: "n", Value: []byte("v")}, "op_low_reserve"},
		"remove data that is not there":        {holder, &txnbuild.ManageData{Name: "n"}, "op_data_name_not_found"},
		"a signer without a reserve":           {poor, &txnbuild.SetOptions{Signer: &txnbuild.Signer{Address: ghost.Address(), Weight: 1}}, "op_low_reserve"},
		"clawback without the right to revoke": {holder, &txnbuild.SetOptions{SetFlags: []txnbuild.AccountFlag{txnbuild.AuthClawbackEnabled}}, "op_auth_revocable_required"},
		"inflation for nobody":                 {holder, &txnbuild.SetOptions{InflationDestination: txnbuild.NewInflationDestination(ghost.Address())}, "op_invalid_inflation"},
	} {
		t.Run(name, func(t *testing.T) {
			sequence := l.sequence(c.by)
			got := l.apply(intent{by: c.by, ops: []txnbuild.Operation{c.op}})
			require.Equal(t, []string{c.code}, got.OperationCodes)
			require.Equal(t, sequence+1, l.sequence(c.by), "the sequence number is used up")
			require.Equal(t, int64(100), got.FeeCharged)
		})
	}
}

func TestTransaction_is_atomic_and_pays_its_fee_when_it_fails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	before, _ := l.net.Balance(sender.Address(), "native")
	got := l.apply(intent{by: sender, ops: []txnbuild.Operation{
		pay(receiver, txnbuild.NativeAsset{}, "1"),
		pay(receiver, txnbuild.NativeAsset{}, "99999"),
		pay(receiver, txnbuild.NativeAsset{}, "2"),
	}})
	require.Equal(t, "tx_failed", got.TransactionCode)
	require.Equal(t, []string{"op_success", "op_underfunded", "op_success"}, got.OperationCodes)
	require.Equal(t, int64(300), got.FeeCharged)
	after, _ := l.net.Balance(sender.Address(), "native")
	require.Equal(t, before-300, after)
	gift, _ := l.net.Balance(receiver.Address(), "native")
	require.Equal(t, int64(DefaultFriendbotBalance), gift)
}

func TestOperation_that_fails_leaves_nothing_for_those_after_it(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	got := l.apply(intent{by: sender, signers: []*keypair.Full{sender, receiver}, ops: []txnbuild.Operation{
		pay(receiver, txnbuild.NativeAsset{}, "99999"),
		&txnbuild.Payment{
			SourceAccount: receiver.Address(), Destination: sender.Address(), Asset: txnbuild.NativeAsset{}, Amount: "50000",
		},
	}})
	require.Equal(t, []string{"op_underfunded", "op_underfunded"}, got.OperationCodes)
}

func TestEnvelope_that_cannot_be_decoded_is_malformed(t *testing.T) {
	t.Parallel()
	n := New(Options{})
	for _, text := range []string{"", "AAAA", "not base64!", "AAAAAgAAAAA="} {
		_, err := n.Submit(text)
		var malformed *MalformedError
		require.ErrorAs(t, err, &malformed, text)
	}
}
