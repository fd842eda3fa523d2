package declared_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/declared"
)

func options() declared.Options {
	return declared.Options{
		Types: []declared.CustomerType{
			{Name: "sep31-sender", Side: declared.Sender, Fields: map[string]anchor.Field{"first_name": {}, "sex": {Choices: []string{"male", "female"}, Optional: true}}},
			{Name: "sep31-receiver", Side: declared.Receiver, ByOperator: true, Fields: map[string]anchor.Field{"bank_account_number": {}}},
		},
		TransactionFields: map[string]anchor.Field{"speed": {Choices: []string{"slow", "fast"}}},
	}
}

func TestInfo_names_the_types_of_each_side_and_the_fields(t *testing.T) {
	t.Parallel()
	info, err := declared.New(options()).Receiver.Info(t.Context(), anchor.InfoRequest{})
	require.NoError(t, err)
	require.Contains(t, info.SenderTypes, "sep31-sender")
	require.Contains(t, info.ReceiverTypes, "sep31-receiver")
	require.Len(t, info.SenderTypes, 1)
	require.Contains(t, info.Fields, "speed")
}

func TestSendingAnchors_are_those_of_the_list(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		list     []string
		admitAll bool
		account  string
		valid    bool
	}{
		"on the list":                       {list: []string{"GA"}, account: "GA", valid: true},
		"not on the list":                   {list: []string{"GA"}, account: "GB"},
		"an empty list admits nobody":       {account: "GA"},
		"an empty list in development":      {admitAll: true, account: "GA", valid: true},
		"a list is obeyed in development":   {list: []string{"GA"}, admitAll: true, account: "GB"},
		"nobody in particular is not valid": {list: []string{"GA"}, account: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options()
			o.SendingAnchors, o.AdmitAll = test.list, test.admitAll
			valid, err := declared.New(o).Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: test.account})
			require.NoError(t, err)
			require.Equal(t, test.valid, valid)
		})
	}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	put := func(t *testing.T, p anchor.CustomerPut) anchor.Verdict {
		v, err := declared.New(options()).Customers.Put(t.Context(), p)
		require.NoError(t, err)
		return v
	}
	t.Run("who lacks a field needs to give it", func(t *testing.T) {
		t.Parallel()
		v := put(t, anchor.CustomerPut{Customer: &anchor.Customer{}, Type: "sep31-sender"})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
	})
	t.Run("who has given all is accepted, optional fields aside", func(t *testing.T) {
		t.Parallel()
		v := put(t, anchor.CustomerPut{Customer: &anchor.Customer{Values: map[string]string{"first_name": "Ana"}}, Type: "sep31-sender"})
		require.Equal(t, anchor.CustomerAccepted, v.Status)
		require.Equal(t, anchor.FieldAccepted, v.Fields["first_name"].Status)
	})
	t.Run("a value outside the choices is rejected by name", func(t *testing.T) {
		t.Parallel()
		v := put(t, anchor.CustomerPut{Customer: &anchor.Customer{Values: map[string]string{"first_name": "Ana", "sex": "?"}}, Type: "sep31-sender"})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Equal(t, anchor.FieldRejected, v.Fields["sex"].Status)
		require.NotEmpty(t, v.Fields["sex"].Error)
	})
	t.Run("an operator accepts where that is declared, and a change asks again", func(t *testing.T) {
		t.Parallel()
		complete := &anchor.Customer{Values: map[string]string{"bank_account_number": "1"}, Statuses: map[string]anchor.CustomerStatus{}}
		require.Equal(t, anchor.CustomerProcessing, put(t, anchor.CustomerPut{Customer: complete, Type: "sep31-receiver"}).Status)
		complete.Statuses["sep31-receiver"] = anchor.CustomerAccepted
		require.Equal(t, anchor.CustomerAccepted, put(t, anchor.CustomerPut{Customer: complete, Type: "sep31-receiver"}).Status)
		changed := anchor.CustomerPut{Customer: complete, Type: "sep31-receiver", Changed: []string{"bank_account_number"}}
		require.Equal(t, anchor.CustomerProcessing, put(t, changed).Status)
	})
	t.Run("an unknown type is refused with those that exist", func(t *testing.T) {
		t.Parallel()
		_, err := declared.New(options()).Customers.Get(t.Context(), anchor.CustomerGet{Type: "nobody"})
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
		require.ErrorContains(t, err, "sep31-sender, sep31-receiver")
	})
}

func TestTransactionFields_outside_their_choices_are_asked_for_again(t *testing.T) {
	t.Parallel()
	receiver := declared.New(options()).Receiver
	_, err := receiver.ProcessPostRequest(t.Context(), anchor.PostRequest{Fields: map[string]string{"speed": "warp"}})
	problem := anchor.ProblemOf(err)
	require.Equal(t, anchor.CodeTransactionInfoNeeded, problem.Code)
	require.Contains(t, problem.Fields, "speed")
	_, err = receiver.ProcessPostRequest(t.Context(), anchor.PostRequest{Fields: map[string]string{"speed": "fast"}})
	require.NoError(t, err)
}
