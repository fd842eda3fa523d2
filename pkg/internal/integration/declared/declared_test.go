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

// texts are by language.
type texts map[string]string

func (t texts) In(lang string) string { return t[lang] }

func TestDescriptions_are_in_the_language_that_is_asked_for(t *testing.T) {
	t.Parallel()
	o := options()
	o.Types[0].Description = texts{"en": "who sends", "pt": "quem envia"}
	o.Types[0].Fields["last_name"] = anchor.Field{Description: "family name"}
	o.Types[0].Descriptions = map[string]declared.Text{"first_name": texts{"en": "given name", "pt": "nome"}}
	o.TransactionFieldDescriptions = map[string]declared.Text{"speed": texts{"en": "how fast", "pt": "com que pressa"}}
	business := declared.New(o)
	for lang, want := range map[string][3]string{"en": {"who sends", "given name", "how fast"}, "pt": {"quem envia", "nome", "com que pressa"}} {
		info, err := business.Receiver.Info(t.Context(), anchor.InfoRequest{Lang: lang})
		require.NoError(t, err)
		needs, err := business.Customers.Get(t.Context(), anchor.CustomerGet{Type: "sep31-sender", Lang: lang})
		require.NoError(t, err)
		require.Equal(t, want, [3]string{
			info.SenderTypes["sep31-sender"].Description, needs.Fields["first_name"].Description, info.Fields["speed"].Description,
		}, lang)
		require.Equal(t, "family name", needs.Fields["last_name"].Description, "what is not translated stays")
		require.Equal(t, []string{"slow", "fast"}, info.Fields["speed"].Choices, "choices are what is given back")
		_, err = business.Receiver.ProcessPostRequest(t.Context(), anchor.PostRequest{Lang: lang, Fields: map[string]string{"speed": "warp"}})
		require.Equal(t, want[2], anchor.ProblemOf(err).Fields["speed"].Description)
	}
	require.Empty(t, o.TransactionFields["speed"].Description, "what was declared stays as it is")
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
