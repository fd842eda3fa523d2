package csvfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestMoney_that_was_delivered_after_the_bank_had_said_that_it_failed_is_told_of_without_being_asked(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.answer("1.csv", "key,outcome,reference\na,failed,\n")
	require.Equal(t, kinds{"a": anchor.OutcomeFailed}, p.poll("a"))
	p.answer("2.csv", "key,outcome,reference\na,delivered,17\n")
	require.Equal(t, kinds{"a": anchor.OutcomeDelivered}, p.poll("x"), "nobody asks about what has failed, and it may be paid again")
	require.Empty(t, p.poll("x"))
}
