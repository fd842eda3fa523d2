package app

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestQuestions_are_asked_of_the_server_about_every_part_that_is_left_to_it(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	s := config.Settings{
		Remote: config.Remote{
			URL: server.URL, Keys: "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
			Parts: []string{config.PartReceiver, config.PartCustomers, config.PartQuotes, config.PartFee},
		},
		Rails: []config.Rail{{Name: "bank", Kind: config.RailRemote}, {Name: "trial", Kind: config.RailSimulated}},
	}
	questions, err := Questions(s)
	require.NoError(t, err)
	var parts []string
	for _, q := range questions {
		parts = append(parts, q.Part)
		require.ErrorContains(t, q.Ask(t.Context()), "401", q.Part)
	}
	require.Equal(t, []string{"receiver", "customers", "quotes", "rail bank"}, parts)
	mu.Lock()
	defer mu.Unlock()
	require.False(t, slices.ContainsFunc(asked, func(path string) bool { return path == "/v1/rails/bank/execute" }), "nobody is paid")
}

func TestQuestions_are_none_where_there_is_no_server(t *testing.T) {
	t.Parallel()
	questions, err := Questions(config.Settings{})
	require.NoError(t, err)
	require.Empty(t, questions)
}

func TestARefusal_is_an_answer_too(t *testing.T) {
	t.Parallel()
	require.NoError(t, unanswered(nil))
	require.NoError(t, unanswered(anchor.Refuse("no")))
	require.Error(t, unanswered(anchor.RefuseAs(anchor.CodeUnavailable, "")))
	require.Error(t, unanswered(errors.New("the answer is not believed")))
}
