package config

// listSetting is a list of anchor.yaml whose items have keys of their own.
type listSetting struct {
	key     string
	meaning string
	into    func(*Settings) any // pointer to the slice
}

// businessKey is the section that is left to the business; see Settings.Business.
const businessKey = "business"

func lists() []listSetting {
	return []listSetting{
		{
			"principals", "People behind the organisation, for [[PRINCIPALS]] of stellar.toml.",
			func(s *Settings) any { return &s.Principals },
		},
		{
			"customers.types", "Customer types of the declared integration (SEP-12) and the SEP-9 fields that each needs. Without it: sep31-sender with first_name, last_name and email_address, sep31-receiver with first_name, last_name, bank_account_number and bank_number, both accepted automatically.",
			func(s *Settings) any { return &s.Customers.Types },
		},
		{
			"transaction_fields", "Values that a sending anchor gives with each transaction (fields.transaction of SEP-31). Without it: none.",
			func(s *Settings) any { return &s.TransactionFields },
		},
		{
			"rails", "Ready-made rails. A business' own rails need no entry here.",
			func(s *Settings) any { return &s.Rails },
		},
		{
			"funding_methods", "Which rail pays each funding method of the assets. A method without a rail is a fault.",
			func(s *Settings) any { return &s.FundingMethods },
		},
		{
			"offchain_assets", "Assets outside the network that recipients are paid in after a conversion (SEP-38).",
			func(s *Settings) any { return &s.OffChainAssets },
		},
		{
			"exchange_pairs", "Prices of the declared integration: what each received asset can be exchanged for (SEP-38).",
			func(s *Settings) any { return &s.ExchangePairs },
		},
		{
			"policies", "What becomes of payments that are not exactly what was agreed. Without it they are held for the operator.",
			func(s *Settings) any { return &s.Policies },
		},
	}
}
