package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

func TestText_is_found_by_its_language(t *testing.T) {
	t.Parallel()
	text := config.Text{"en": "given name", "pt": "nome", "pt-BR": "prenome"}
	for lang, want := range map[string]string{
		"en": "given name", "pt": "nome", "pt-BR": "prenome", "PT-br": "prenome", "pt-PT": "nome", "EN-gb": "given name",
		"": "given name", "fr": "given name", "-": "given name",
	} {
		require.Equal(t, want, text.In(lang), lang)
	}
	for range 20 { // not by the order of a map
		require.Equal(t, "nome", config.Text{"pt": "nome", "zh": "名"}.In("fr"), "without an English one the first by alphabet")
	}
	require.Equal(t, "nome", config.Text{"PT": "nome", "en": "name"}.In("pt-BR"))
	require.Empty(t, config.Text(nil).In("en"))
}

func TestLoad_reads_a_description_as_one_text_or_one_for_each_language(t *testing.T) {
	t.Parallel()
	s, err := config.Load(source(folder(t, map[string]string{"anchor.yaml": `
customers:
  types:
    - name: s
      side: sender
      description: " who sends "
      fields: [{name: first_name, description: {en: given name, pt: nome}}, {name: last_name}, {name: tax_id, description: }]
transaction_fields: [{name: purpose, description: {pt-BR: motivo}}]
offchain_assets: [{asset: 'iso4217:BRL', buy_delivery_methods: [{name: PIX, description: {en: by PIX}}]}]
`})))
	require.NoError(t, err)
	sender := s.Customers.Types[0]
	require.Equal(t, "who sends", sender.Description.In("pt"))
	require.Equal(t, "nome", sender.Fields[0].Description.In("pt"))
	require.Empty(t, sender.Fields[1].Description.In("pt"))
	require.Empty(t, sender.Fields[2].Description.In("pt"))
	require.Equal(t, "motivo", s.TransactionFields[0].Description.In("pt-br"))
	require.Equal(t, "by PIX", s.OffChainAssets[0].BuyDeliveryMethods[0].Description.In("pt"))
}
