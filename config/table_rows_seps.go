package config

func sep31Rows() []row {
	return []row{
		{Setting: Setting{
			Key: "sep31.sending_anchors", Env: "ANCHOR_SENDING_ANCHORS",
			Meaning: "The Stellar accounts of the sending anchors that are admitted. An empty list admits nobody, with LOCAL_MODE everybody; it is refused on the public network.",
			Mend:    "give the Stellar accounts (G…) of the businesses that you have agreed with",
		}, field: func(s *Settings) any { return &s.SEP31.SendingAnchors }},
		{Setting: Setting{
			Key: "sep31.transaction_lifetime", Env: "ANCHOR_TRANSACTION_LIFETIME", Default: "24h",
			Meaning: "How long a transaction waits for its payment before it expires.",
			Mend:    "give a duration above zero, such as 24h",
		}, field: func(s *Settings) any { return &s.SEP31.TransactionLifetime }},
		{Setting: Setting{
			Key: "sep31.memo_type", Env: "ANCHOR_MEMO_TYPE", Default: "id",
			Meaning: "The kind of memo by which the payments of transactions are told apart: id (a random number of 63 bits), hash or text.",
			Mend:    "give id, hash or text",
		}, field: func(s *Settings) any { return &s.SEP31.MemoType }},
		{Setting: Setting{
			Key: "sep31.kyc_after_post", Env: "ANCHOR_KYC_AFTER_POST", Default: "1",
			Meaning: "A transaction that names no customer is agreed on, and waits as pending_receiver, its memo withheld, until both people were registered for it and accepted (SEP-31 3.0). 0: it is refused with customer_info_needed.",
			Mend:    "give 1 or 0",
		}, field: func(s *Settings) any { return &s.SEP31.KYCAfterPost }},
	}
}

func sep38Rows() []row {
	return []row{
		{Setting: Setting{
			Key: "sep38.quote_lifetime", Env: "ANCHOR_QUOTE_LIFETIME", Default: "30m",
			Meaning: "How long a firm quote of the declared integration is good: its payment must arrive within that time.",
			Mend:    "give a duration above zero, such as 30m",
		}, field: func(s *Settings) any { return &s.SEP38.QuoteLifetime }},
		{Setting: Setting{
			Key: "sep38.quotes_required", Env: "ANCHOR_QUOTES_REQUIRED", Default: "0",
			Meaning: "Transactions in an asset that can be exchanged need a firm quote.",
			Mend:    "give 1 or 0",
		}, field: func(s *Settings) any { return &s.SEP38.QuotesRequired }},
	}
}

func customerRows() []row {
	return []row{
		{Setting: Setting{
			Key: "customers.retention", Env: "ANCHOR_CUSTOMER_RETENTION", Default: "0s",
			Meaning: "How long the encrypted data of a deleted customer whose transactions were paid are still kept. They are hidden at once in any case.",
			Mend:    "give a duration of zero or more, such as 43800h for five years",
		}, field: func(s *Settings) any { return &s.Customers.Retention }},
		{Setting: Setting{
			Key: "customers.file_lifetime", Env: "ANCHOR_FILE_LIFETIME", Default: "24h",
			Meaning: "How long an uploaded file waits for the customer that it belongs to.",
			Mend:    "give a duration above zero, such as 24h",
		}, field: func(s *Settings) any { return &s.Customers.FileLifetime }},
		{Setting: Setting{
			Key: "customers.codes_per_hour", Env: "ANCHOR_CODES_PER_HOUR", Default: "5",
			Meaning: "Verification codes that one field of a customer is sent within an hour; its value is not taken anew beyond that. Each can be guessed at five times.",
			Mend:    "give a whole number from 1 to 1000",
		}, field: func(s *Settings) any { return &s.Customers.CodesPerHour }},
		{Setting: Setting{
			Key: "customers.stranger_customers", Env: "ANCHOR_STRANGER_CUSTOMERS", Default: "10",
			Meaning: "Customers that an account may register which is not among the sending anchors: everybody with a key pair can log in. It may change ten times as many things in a day. With LOCAL_MODE and an empty list of sending anchors nobody is a stranger.",
			Mend:    "give a whole number from 0 to 1000000; 0 lets sending anchors alone register customers",
		}, field: func(s *Settings) any { return &s.Customers.StrangerCustomers }},
		{Setting: Setting{
			Key: "customers.stranger_bytes", Env: "ANCHOR_STRANGER_BYTES", Default: "1048576",
			Meaning: "Bytes that such an account may keep: values of its customers as they are stored (encrypted, a third longer), and files.",
			Mend:    "give a whole number from 0 to 1073741824",
		}, field: func(s *Settings) any { return &s.Customers.StrangerBytes }},
		{Setting: Setting{
			Key: "customers.stranger_accounts", Env: "ANCHOR_STRANGER_ACCOUNTS", Default: "1000",
			Meaning: "Such accounts that may keep anything here, altogether: with the two settings above it bounds what strangers can take of the disk. A place is free again within a day after its account has deleted everything, and when it becomes a sending anchor.",
			Mend:    "give a whole number from 0 to 1000000",
		}, field: func(s *Settings) any { return &s.Customers.StrangerAccounts }},
	}
}

func limitRows() []row {
	rate := func(key, env, without, meaning string, field func(*Limits) *int) row {
		return row{
			Setting: Setting{Key: "limits." + key, Env: env, Default: without, Meaning: meaning, Mend: "give a whole number; 0 is no limit"},
			field:   func(s *Settings) any { return field(&s.Limits) },
		}
	}
	return []row{
		rate("requests_per_address", "ANCHOR_LIMIT_REQUESTS_PER_ADDRESS", "200", "Requests a second from one address (IPv6: one /64). Twice as many may come at once.", func(l *Limits) *int { return &l.RequestsPerAddress }),
		rate("logins_per_address", "ANCHOR_LIMIT_LOGINS_PER_ADDRESS", "40", "Requests to /auth a second from one address; a login takes two.", func(l *Limits) *int { return &l.LoginsPerAddress }),
		rate("customers_per_address", "ANCHOR_LIMIT_CUSTOMERS_PER_ADDRESS", "100", "Requests to /kyc a second from one address.", func(l *Limits) *int { return &l.CustomersPerAddress }),
		rate("requests_per_account", "ANCHOR_LIMIT_REQUESTS_PER_ACCOUNT", "200", "Requests a second with tokens of one account.", func(l *Limits) *int { return &l.RequestsPerAccount }),
		rate("customers_per_account", "ANCHOR_LIMIT_CUSTOMERS_PER_ACCOUNT", "100", "Requests to /kyc a second with tokens of one account.", func(l *Limits) *int { return &l.CustomersPerAccount }),
		rate("connections", "ANCHOR_LIMIT_CONNECTIONS", "4096", "Connections that are open at once; more wait to be accepted.", func(l *Limits) *int { return &l.Connections }),
		{Setting: Setting{
			Key: "limits.file_bytes", Env: "ANCHOR_LIMIT_FILE_BYTES", Default: "4194304",
			Meaning: "Bytes of one photo or document of a customer.",
			Mend:    "give a whole number from 1024 to 33554432",
		}, field: func(s *Settings) any { return &s.Limits.FileBytes }},
	}
}
