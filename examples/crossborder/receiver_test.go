package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	known, unknown = "021000021", "999999999" // routing numbers
	open, closed   = "1234567890", "4000000000"
	friend         = "GDW6AUTBXTOC7FIKUO5BOO3OGLK4SF7ZPOBLMQHMZDI45J2Z6VXRB5NR"
	stranger       = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
)

// somebody is an accepted customer of a type.
func somebody(customerType string) *anchor.Customer {
	return &anchor.Customer{ID: customerType, Type: customerType, Statuses: map[string]anchor.CustomerStatus{customerType: anchor.CustomerAccepted}}
}

func request(routing, account string) anchor.PostRequest {
	return anchor.PostRequest{
		Sender: somebody(senderType), Receiver: somebody(receiverType),
		Fields: map[string]string{routingNumber: routing, accountNumber: account},
	}
}

func decide(t *testing.T) receiver {
	t.Helper()
	return receiver{bank: testBank(t), senders: []string{friend}}
}

func TestInfo_asks_for_both_people_and_the_bank_account(t *testing.T) {
	t.Parallel()
	info, err := decide(t).Info(t.Context(), anchor.InfoRequest{})
	require.NoError(t, err)
	require.Len(t, info.SenderTypes, 1)
	require.Contains(t, info.SenderTypes, "sep31-sender")
	require.Len(t, info.ReceiverTypes, 1)
	require.Contains(t, info.ReceiverTypes, "sep31-receiver")
	require.Len(t, info.Fields, 2)
	for _, name := range []string{"routing_number", "account_number"} {
		require.False(t, info.Fields[name].Optional)
		require.NotEmpty(t, info.Fields[name].Description)
	}
}

func TestSendingAnchors_are_admitted_only_if_they_are_listed(t *testing.T) {
	t.Parallel()
	for who, valid := range map[anchor.SendingAnchor]bool{
		{Account: friend}: true,
		{Account: friend, MemoType: "id", Memo: "12"}: true,
		{Account: stranger}:                           false,
		{}:                                            false,
	} {
		admitted, err := decide(t).ValidSendingAnchor(t.Context(), who)
		require.NoError(t, err)
		require.Equal(t, valid, admitted, who)
	}
}

func TestSendingAnchors_come_from_a_list_with_commas(t *testing.T) {
	t.Parallel()
	for text, accounts := range map[string][]string{
		"":                             nil,
		" , ":                          nil,
		friend:                         {friend},
		friend + ", " + stranger + ",": {friend, stranger},
	} {
		parsed, err := parseSendingAnchors(text)
		require.NoError(t, err)
		require.Equal(t, accounts, parsed)
	}
}

func TestSendingAnchors_that_are_no_accounts_stop_the_start_without_being_repeated(t *testing.T) {
	t.Parallel()
	const seed = "SBFZCHU5645DOKRWYBXVOXY2ELGJKFRX6VGGPRYUWHQ7PMXXJNDZFMKD"
	for _, text := range []string{seed, friend + " " + stranger, friend + "," + friend[:55]} {
		_, err := parseSendingAnchors(text)
		require.ErrorContains(t, err, "SENDING_ANCHORS")
		require.NotContains(t, err.Error(), seed)
	}
}

func TestPost_accepts_a_request_for_known_people_and_a_known_bank(t *testing.T) {
	t.Parallel()
	_, err := decide(t).ProcessPostRequest(t.Context(), request(known, open))
	require.NoError(t, err)
}

func TestPost_accepts_an_account_that_only_the_payout_will_find_closed(t *testing.T) {
	t.Parallel()
	_, err := decide(t).ProcessPostRequest(t.Context(), request(known, closed))
	require.NoError(t, err)
}

func TestPost_needs_customers_that_were_accepted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*anchor.PostRequest)
		missing string
	}{
		"no sender":             {func(p *anchor.PostRequest) { p.Sender = nil }, "sep31-sender"},
		"no receiver":           {func(p *anchor.PostRequest) { p.Receiver = nil }, "sep31-receiver"},
		"a sender under review": {func(p *anchor.PostRequest) { p.Sender.Statuses[senderType] = anchor.CustomerProcessing }, "sep31-sender"},
		"a rejected receiver":   {func(p *anchor.PostRequest) { p.Receiver.Statuses[receiverType] = anchor.CustomerRejected }, "sep31-receiver"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := request(known, open)
			test.change(&p)
			_, err := decide(t).ProcessPostRequest(t.Context(), p)
			require.Equal(t, anchor.Problem{Code: anchor.CodeCustomerInfoNeeded, Type: test.missing}, anchor.ProblemOf(err))
		})
	}
}

func TestPost_names_the_fields_of_a_bank_account_that_are_wrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		routing, account string
		wrong            []string
	}{
		"a bank that nobody knows":  {unknown, open, []string{"routing_number"}},
		"no routing number":         {"", open, []string{"routing_number"}},
		"letters in the account":    {known, "12AB56", []string{"account_number"}},
		"other digits than ours":    {known, "１２３４５６", []string{"account_number"}},
		"an account of three":       {known, "123", []string{"account_number"}},
		"an account of eighteen":    {known, "123456789012345678", []string{"account_number"}},
		"nothing at all":            {"", "", []string{"routing_number", "account_number"}},
		"both wrong, in two fields": {unknown, "x", []string{"routing_number", "account_number"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decide(t).ProcessPostRequest(t.Context(), request(test.routing, test.account))
			requireWrong(t, err, test.wrong...)
		})
	}
}

func TestPatch_judges_only_what_is_given_anew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fields map[string]string
		wrong  []string
	}{
		"an account":                  {map[string]string{accountNumber: open}, nil},
		"an account with letters":     {map[string]string{accountNumber: "12AB56"}, []string{"account_number"}},
		"a bank that nobody knows":    {map[string]string{routingNumber: unknown}, []string{"routing_number"}},
		"a known bank":                {map[string]string{routingNumber: known}, nil},
		"what we have never heard of": {map[string]string{"purpose": "gift"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := decide(t).ProcessPatchRequest(t.Context(), anchor.PatchRequest{Fields: test.fields})
			if test.wrong == nil {
				require.NoError(t, err)
				return
			}
			requireWrong(t, err, test.wrong...)
		})
	}
}

// requireWrong demands a refusal that asks for exactly these fields.
func requireWrong(t *testing.T, err error, names ...string) {
	t.Helper()
	problem := anchor.ProblemOf(err)
	require.Equal(t, anchor.CodeTransactionInfoNeeded, problem.Code)
	require.Len(t, problem.Fields, len(names))
	for _, name := range names {
		require.NotEmpty(t, problem.Fields[name].Description)
	}
}
