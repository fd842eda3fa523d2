package anchor_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestRefusals_are_recognised_however_they_are_wrapped(t *testing.T) {
	t.Parallel()
	fields := map[string]anchor.Field{"account_number": {Description: "of the recipient"}}
	for name, c := range map[string]struct {
		err  error
		want anchor.Problem
	}{
		"a refusal":                     {anchor.Refuse("no"), anchor.Problem{Code: anchor.CodeInvalid, Text: "no"}},
		"a refusal with a format":       {anchor.Refusef("%d is odd", 3), anchor.Problem{Code: anchor.CodeInvalid, Text: "3 is odd"}},
		"a refusal of another category": {anchor.RefuseAs(anchor.CodeConflict, "used"), anchor.Problem{Code: anchor.CodeConflict, Text: "used"}},
		"customer information":          {anchor.CustomerInfoNeeded("sep31-sender"), anchor.Problem{Code: anchor.CodeCustomerInfoNeeded, Type: "sep31-sender"}},
		"transaction information":       {anchor.TransactionInfoNeeded(fields), anchor.Problem{Code: anchor.CodeTransactionInfoNeeded, Fields: fields}},
	} {
		for wrapping, wrapped := range map[string]error{
			"bare":              c.err,
			"by %w":             fmt.Errorf("post: %w", c.err),
			"twice":             fmt.Errorf("a: %w", fmt.Errorf("b: %w", c.err)),
			"joined first":      errors.Join(c.err, errors.New("and rolled back badly")),
			"joined last":       errors.Join(errors.New("and rolled back badly"), c.err),
			"two %w":            fmt.Errorf("%w: %w", errors.New("hook"), c.err),
			"joined and by %w ": fmt.Errorf("x: %w", errors.Join(errors.New("y"), c.err)),
		} {
			t.Run(name+" "+wrapping, func(t *testing.T) {
				t.Parallel()
				require.Equal(t, c.want, anchor.ProblemOf(wrapped))
				require.Equal(t, c.want.Code, anchor.CodeOf(wrapped))
			})
		}
	}
}

func TestAnything_else_tells_a_client_nothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("dial tcp 10.0.0.1: password hunter2"), errors.New("x: " + anchor.Refuse("flattened").Error())} {
		require.Equal(t, anchor.Problem{Code: anchor.CodeInternal}, anchor.ProblemOf(err))
	}
}

func TestRefusals_without_a_text_are_named_by_their_category(t *testing.T) {
	t.Parallel()
	require.EqualError(t, anchor.CustomerInfoNeeded("x"), "customer_info_needed")
	require.EqualError(t, anchor.TransactionInfoNeeded(nil), "transaction_info_needed")
	require.EqualError(t, anchor.Refuse("speak up"), "speak up")
}
