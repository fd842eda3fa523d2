package inspect_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/inspect"
)

func TestDoctor_asks_the_business_server_about_each_of_its_parts(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.plan.Business = []inspect.BusinessPart{
		{Name: "receiver", Ask: func(context.Context) error { return nil }},
		{Name: "rail bank", Ask: func(context.Context) error { return errors.New("it answered with status 401") }},
	}
	require.Equal(t, "business' server, rail bank: it answered with status 401", w.troubles(t))
	var checks []string
	for _, f := range inspect.Examine(t.Context(), w.plan) {
		checks = append(checks, f.Check)
	}
	require.Contains(t, checks, "business' server, receiver")
}
