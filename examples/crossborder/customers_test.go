package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestCustomerTypes_ask_for_what_each_side_has_to_give(t *testing.T) {
	t.Parallel()
	for customerType, want := range map[string][]string{
		"sep31-sender":   {"email_address", "first_name", "last_name"},
		"sep31-receiver": {"first_name", "last_name"},
		"":               {"email_address", "first_name", "last_name"},
	} {
		asked, err := customers{}.Get(t.Context(), anchor.CustomerGet{Type: customerType})
		require.NoError(t, err)
		require.Equal(t, want, slices.Sorted(maps.Keys(asked.Fields)))
		require.NotEmpty(t, asked.Type)
	}
}

func TestCustomerTypes_that_nobody_knows_are_refused(t *testing.T) {
	t.Parallel()
	_, err := customers{}.Get(t.Context(), anchor.CustomerGet{Type: "sep31-neighbour"})
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	_, err = customers{}.Put(t.Context(), anchor.CustomerPut{Type: "sep31-neighbour"})
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
}

func TestCustomers_are_accepted_once_everything_is_given(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		customerType string
		values       map[string]string
		status       anchor.CustomerStatus
		rejected     []string
	}{
		"a complete sender":          {senderType, person("email_address", "jane@example.com"), anchor.CustomerAccepted, nil},
		"a complete receiver":        {receiverType, person(), anchor.CustomerAccepted, nil},
		"a sender without an e-mail": {senderType, person(), anchor.CustomerNeedsInfo, nil},
		"a receiver without a name":  {receiverType, nil, anchor.CustomerNeedsInfo, nil},
		"an e-mail that is none":     {senderType, person("email_address", "jane"), anchor.CustomerNeedsInfo, []string{"email_address"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict, err := customers{}.Put(t.Context(), anchor.CustomerPut{Customer: &anchor.Customer{Values: test.values}, Type: test.customerType})
			require.NoError(t, err)
			require.Equal(t, test.status, verdict.Status)
			require.Equal(t, test.customerType, verdict.Type)
			for _, field := range test.rejected {
				require.Equal(t, anchor.FieldRejected, verdict.Fields[field].Status)
				require.NotEmpty(t, verdict.Fields[field].Error)
			}
		})
	}
}

// person has a name, and more as names and values.
func person(more ...string) map[string]string {
	values := map[string]string{"first_name": "Jane", "last_name": "Doe"}
	for pair := range slices.Chunk(more, 2) {
		values[pair[0]] = pair[1]
	}
	return values
}
