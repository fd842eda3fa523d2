package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

type bank struct {
	URL     string         `yaml:"url"`
	Fees    map[string]int `yaml:"Fees"`
	Opened  string         `yaml:"opened"`
	Timeout time.Duration  `yaml:"timeout"`
}

func businessSettings(t *testing.T) config.Settings {
	t.Helper()
	s, err := config.Load(source(folder(t, map[string]string{"anchor.yaml": `
business:
  bank: {url: https://bank.example, Fees: {USDC: 3, usdc: 4}, opened: 2020-01-01}
  routing: [1, 2]
  word: hush-hush
  nothing:
`})))
	require.NoError(t, err)
	return s
}

func TestBusiness_reads_its_section_with_the_case_of_its_keys(t *testing.T) {
	t.Parallel()
	s := businessSettings(t)
	read := bank{Timeout: time.Second}
	require.NoError(t, s.Business("bank", &read))
	require.Equal(t, bank{URL: "https://bank.example", Fees: map[string]int{"USDC": 3, "usdc": 4}, Opened: "2020-01-01", Timeout: time.Second}, read)
	var fee int
	require.NoError(t, s.Business("bank.Fees.USDC", &fee))
	require.Equal(t, 3, fee)
	var all map[string]any
	require.NoError(t, s.Business("", &all))
	require.Len(t, all, 4)
}

func TestBusiness_leaves_the_value_alone_when_the_key_is_absent(t *testing.T) {
	t.Parallel()
	value := "a default"
	s := businessSettings(t)
	for _, key := range []string{"other", "bank.other", "word.deeper", "routing.0", "nothing"} {
		require.NoError(t, s.Business(key, &value))
		require.Equal(t, "a default", value)
	}
	require.NoError(t, config.Settings{}.Business("", &value))
}

func TestBusiness_refuses_what_the_value_has_no_place_for(t *testing.T) {
	t.Parallel()
	s := businessSettings(t)
	var narrow struct {
		URL string `yaml:"url"`
	}
	fault := faultOfOne(t, s.Business("bank", &narrow))
	require.Equal(t, "business.bank", fault.Key)
	require.Contains(t, fault.Problem, "field Fees not found")
	var number int
	fault = faultOfOne(t, s.Business("word", &number))
	require.NotContains(t, fault.Error(), "hush-hush")
	require.ErrorContains(t, s.Business("bank", narrow), "want a pointer")
	require.ErrorContains(t, s.Business("bank", nil), "want a pointer")
	require.ErrorContains(t, s.Business("bank", (*bank)(nil)), "want a pointer")
}
