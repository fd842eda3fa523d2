package config

import "github.com/stellar/go-stellar-sdk/network"

func serverRows() []row {
	return []row{
		{Setting: Setting{
			Key: "server.active_seps", Env: "ACTIVE_SEPS", Default: "sep-1,sep-10,sep-12,sep-31",
			Meaning: "The SEPs that are served: they decide which routes and which keys of stellar.toml exist. sep-31 needs sep-1, sep-10 and sep-12, sep-38 needs sep-10.",
			Mend:    "give some of sep-1, sep-10, sep-12, sep-31, sep-38",
		}, field: func(s *Settings) any { return &s.Server.ActiveSEPs }},
		{Setting: Setting{
			Key: "server.host_url", Env: "HOST_URL",
			Meaning: "The public address of the server, as clients reach it: https, or http with LOCAL_MODE.",
			Mend:    "give the address under which clients reach the server, such as https://anchor.example.com",
		}, field: func(s *Settings) any { return &s.Server.HostURL }},
		{Setting: Setting{
			Key: "server.local_mode", Env: "LOCAL_MODE", Default: "0",
			Meaning: "For development: HOST_URL is plain http, callbacks may go to private addresses, and an empty list of sending anchors admits everybody.",
			Mend:    "give 1 or 0",
		}, field: func(s *Settings) any { return &s.Server.LocalMode }},
		{Setting: Setting{
			Key: "server.enable_sep_0023", Env: "ENABLE_SEP_0023", Default: "1",
			Meaning: "Muxed accounts (M…) are accepted in SEP-10 and SEP-12; 0 refuses them.",
			Mend:    "give 1 or 0",
		}, field: func(s *Settings) any { return &s.Server.SEP23 }},
		{Setting: Setting{
			Key: "server.listen", Env: "ANCHOR_LISTEN",
			Meaning: "The address on which `anchor serve` listens. Without it: 127.0.0.1 and the port of HOST_URL, 8000 when that has none.",
			Mend:    "give host:port, such as 127.0.0.1:8000",
		}, field: func(s *Settings) any { return &s.Server.Listen }},
		{Setting: Setting{
			Key: "server.operator_listen", Env: "ANCHOR_OPERATOR_LISTEN",
			Meaning: "The address of /healthz, /readyz and /metrics, each process its own; without it they are off. Keep it away from the public.",
			Mend:    "give host:port, such as 127.0.0.1:9000, other than that of ANCHOR_LISTEN",
		}, field: func(s *Settings) any { return &s.Server.OperatorListen }},
		{Setting: Setting{
			Key: "server.trusted_proxies", Env: "ANCHOR_TRUSTED_PROXIES",
			Meaning: "Networks (CIDR) of the proxies before the server, whose X-Forwarded-For is believed; nobody else's is.",
			Mend:    "give networks such as 10.0.0.0/8, a single address as 10.0.0.1/32",
		}, field: func(s *Settings) any { return &s.Server.TrustedProxies }},
		{Setting: Setting{
			Key: "server.stop_timeout", Env: "ANCHOR_STOP_TIMEOUT", Default: "30s",
			Meaning: "How long requests and calls in flight may still take after SIGTERM.",
			Mend:    "give a duration above zero, such as 30s",
		}, field: func(s *Settings) any { return &s.Server.StopTimeout }},
		{Setting: Setting{
			Key: "server.tls_certificate", Env: "ANCHOR_TLS_CERTIFICATE",
			Meaning: "Path of the certificate chain (PEM) with which `anchor serve` ends TLS itself; without it a proxy has to. A file that changes is read anew.",
			Mend:    "give the path of a PEM file with the certificate and those above it, and ANCHOR_TLS_KEY with it",
		}, field: func(s *Settings) any { return &s.Server.TLSCertificate }},
		{Setting: Setting{
			Key: "server.tls_key", Env: "ANCHOR_TLS_KEY",
			Meaning: "Path of the private key (PEM) of ANCHOR_TLS_CERTIFICATE.",
			Mend:    "give the path of a PEM file with the key, and ANCHOR_TLS_CERTIFICATE with it",
		}, field: func(s *Settings) any { return &s.Server.TLSKey }},
		{Setting: Setting{
			Key: "server.toml_file", Env: "ANCHOR_TOML_FILE",
			Meaning: "Path of a stellar.toml of your own whose entries are merged into the one that is served (SEP-1). What the anchor itself says of its endpoints and keys cannot be replaced.",
			Mend:    "give the path of a TOML file, or nothing",
		}, field: func(s *Settings) any { return &s.Server.TomlFile }},
	}
}

func networkRows() []row {
	return []row{
		{Setting: Setting{
			Key: "network.horizon_uri", Env: "HORIZON_URI", Default: "https://horizon-testnet.stellar.org",
			Meaning: "The Horizon server from which payments are read and to which transactions are submitted. Of several the first that answers is used.",
			Mend:    "give a Horizon of the network of STELLAR_NETWORK_PASSPHRASE, such as https://horizon-testnet.stellar.org",
		}, field: func(s *Settings) any { return &s.Network.HorizonURIs }},
		{Setting: Setting{
			Key: "network.horizon_headers", Env: "ANCHOR_HORIZON_HEADERS",
			Meaning: "Headers for Horizon as hosted ones want them, `Name: value`, several with a semicolon between them.",
			Mend:    "give pairs such as `X-Api-Key: 0123`, with a semicolon between them",
		}, field: func(s *Settings) any { return &s.Network.HorizonHeaders }},
		{Setting: Setting{
			Key: "network.ledger_source", Env: "ANCHOR_LEDGER_SOURCE", Default: "horizon",
			Meaning: "Where watch-transactions reads payments: horizon, or rpc (a Stellar RPC, which keeps fewer days of history). It may be changed between two starts.",
			Mend:    "give horizon or rpc",
		}, field: func(s *Settings) any { return &s.Network.LedgerSource }},
		{Setting: Setting{
			Key: "network.rpc_url", Env: "ANCHOR_RPC_URL",
			Meaning: "The Stellar RPC from which ledgers are read with ANCHOR_LEDGER_SOURCE=rpc.",
			Mend:    "give the address of a Stellar RPC of the network of STELLAR_NETWORK_PASSPHRASE, such as https://soroban-testnet.stellar.org",
		}, field: func(s *Settings) any { return &s.Network.RPCURL }},
		{Setting: Setting{
			Key: "network.rpc_headers", Env: "ANCHOR_RPC_HEADERS",
			Meaning: "Headers for the Stellar RPC, written as those for Horizon.",
			Mend:    "give pairs such as `X-Api-Key: 0123`, with a semicolon between them",
		}, field: func(s *Settings) any { return &s.Network.RPCHeaders }},
		{Setting: Setting{
			Key: "network.passphrase", Env: "STELLAR_NETWORK_PASSPHRASE", Default: network.TestNetworkPassphrase,
			Meaning: "The passphrase of the Stellar network. With that of the public network, what is only fit for trials is refused.",
			Mend:    "give the passphrase of the network, such as `" + network.TestNetworkPassphrase + "`",
		}, field: func(s *Settings) any { return &s.Network.Passphrase }},
		{Setting: Setting{
			Key: "network.max_transaction_fee_stroops", Env: "MAX_TRANSACTION_FEE_STROOPS", Default: "0",
			Meaning: "The most that one operation submitted by the anchor may cost, in stroops; 0 leaves it to what the network asks.",
			Mend:    "give 0, or a whole number of stroops from 100 to 4294967295",
		}, field: func(s *Settings) any { return &s.Network.MaxFeeStroops }},
	}
}

func databaseRows() []row {
	return []row{
		{Setting: Setting{
			Key: "database.url", Env: "DATABASE_URL", Default: "sqlite:anchor.db",
			Meaning: "The database of all processes: `sqlite:PATH` (a local file system, one host) or `postgres://…`.",
			Mend:    "give sqlite:PATH, such as sqlite:anchor.db, or postgres://user:password@host/name",
		}, field: func(s *Settings) any { return &s.Database.URL }},
		{Setting: Setting{
			Key: "database.listen_url", Env: "ANCHOR_DATABASE_LISTEN_URL",
			Meaning: "A direct connection to the same Postgres for LISTEN, where a pooler stands before DATABASE_URL; without it DATABASE_URL is used.",
			Mend:    "give postgres://user:password@host/name of the same database, or nothing",
		}, field: func(s *Settings) any { return &s.Database.ListenURL }},
	}
}

func keyRows() []row {
	return []row{
		{Setting: Setting{
			Key: "keys.signing_seed", Env: "SIGNING_SEED",
			Meaning: "The secret seed (S…) that signs SEP-10 challenges and callbacks. Its account needs no money and need not exist. Needed by serve.",
			Mend:    "give a secret seed, S and 55 more characters; `anchor init` makes one",
		}, field: func(s *Settings) any { return &s.Keys.SigningSeed }},
		{Setting: Setting{
			Key: "keys.server_jwt_key", Env: "SERVER_JWT_KEY",
			Meaning: "The key that signs the tokens of SEP-10, at least 32 bytes. Needed by serve.",
			Mend:    "give at least 32 random bytes, such as the output of `openssl rand -base64 32`; `anchor init` makes one",
		}, field: func(s *Settings) any { return &s.Keys.ServerJWTKey }},
		{Setting: Setting{
			Key: "keys.previous_jwt_keys", Env: "ANCHOR_PREVIOUS_JWT_KEYS",
			Meaning: "Earlier values of SERVER_JWT_KEY, several with commas: tokens that they signed are good until they run out. To change the key, move the old one here, and remove it once ANCHOR_TOKEN_LIFETIME has passed. A key with a comma in it cannot stand here.",
			Mend:    "give earlier values of SERVER_JWT_KEY, each at least 32 bytes, or nothing",
		}, field: func(s *Settings) any { return &s.Keys.PreviousJWTKeys }},
		{Setting: Setting{
			Key: "keys.master_keys", Env: "ANCHOR_MASTER_KEYS",
			Meaning: "The keys under which personal data and seeds are encrypted, as `id:base64 of 32 bytes`, several with commas: the first seals, all open. Needed as soon as anything personal or a seed is stored. Without them that data is lost: keep a copy.",
			Mend:    "give id:KEY, KEY being the output of `openssl rand -base64 32`; `anchor init` makes one",
		}, field: func(s *Settings) any { return &s.Keys.MasterKeys }},
	}
}

func sep10Rows() []row {
	return []row{
		{Setting: Setting{
			Key: "sep10.home_domains", Env: "SEP10_HOME_DOMAINS",
			Meaning: "The domains whose stellar.toml names this server; without it the host of HOST_URL. The first is the one when a client names none.",
			Mend:    "give host names without a scheme or a path, such as anchor.example.com",
		}, field: func(s *Settings) any { return &s.SEP10.HomeDomains }},
		{Setting: Setting{
			Key: "sep10.challenge_lifetime", Env: "ANCHOR_CHALLENGE_LIFETIME", Default: "15m",
			Meaning: "How long a challenge may be answered.",
			Mend:    "give a duration above zero, such as 15m",
		}, field: func(s *Settings) any { return &s.SEP10.ChallengeLifetime }},
		{Setting: Setting{
			Key: "sep10.token_lifetime", Env: "ANCHOR_TOKEN_LIFETIME", Default: "24h",
			Meaning: "How long a token is valid.",
			Mend:    "give a duration above zero, such as 24h",
		}, field: func(s *Settings) any { return &s.SEP10.TokenLifetime }},
		{Setting: Setting{
			Key: "sep10.client_attribution_required", Env: "SEP10_CLIENT_ATTRIBUTION_REQUIRED", Default: "0",
			Meaning: "Clients must name and prove their `client_domain`.",
			Mend:    "give 1 or 0",
		}, field: func(s *Settings) any { return &s.SEP10.AttributionRequired }},
		{Setting: Setting{
			Key: "sep10.client_attribution_request_timeout", Env: "SEP10_CLIENT_ATTRIBUTION_REQUEST_TIMEOUT", Default: "3s",
			Meaning: "How long reading the stellar.toml of a client's domain may take.",
			Mend:    "give a duration above zero, such as 3s or 3",
		}, field: func(s *Settings) any { return &s.SEP10.AttributionRequestTimeout }, seconds: true},
		{Setting: Setting{
			Key: "sep10.client_attribution_allowlist", Env: "SEP10_CLIENT_ATTRIBUTION_ALLOWLIST",
			Meaning: "The only client domains admitted; none: all but those denied. A name stands for port 443 (with LOCAL_MODE a loopback address for all its ports), name:port for that port.",
			Mend:    "give host names without a scheme or a path, such as wallet.example.com or wallet.example.com:8443",
		}, field: func(s *Settings) any { return &s.SEP10.AttributionAllowlist }},
		{Setting: Setting{
			Key: "sep10.client_attribution_denylist", Env: "SEP10_CLIENT_ATTRIBUTION_DENYLIST",
			Meaning: "Client domains that are turned away.",
			Mend:    "give host names without a scheme or a path, such as wallet.example.com",
		}, field: func(s *Settings) any { return &s.SEP10.AttributionDenylist }},
	}
}

func callbackRows() []row {
	return []row{
		{Setting: Setting{
			Key: "callbacks.request_timeout", Env: "CALLBACK_REQUEST_TIMEOUT", Default: "3s",
			Meaning: "How long one delivery of a callback may take.",
			Mend:    "give a duration above zero, such as 3s or 3",
		}, field: func(s *Settings) any { return &s.Callbacks.RequestTimeout }, seconds: true},
		{Setting: Setting{
			Key: "callbacks.request_domain_denylist", Env: "CALLBACK_REQUEST_DOMAIN_DENYLIST",
			Meaning: "Domains to which no callback is sent, their subdomains included.",
			Mend:    "give host names without a scheme or a path, such as blocked.example.com",
		}, field: func(s *Settings) any { return &s.Callbacks.DomainDenylist }},
		{Setting: Setting{
			Key: "callbacks.max_attempts", Env: "ANCHOR_CALLBACK_MAX_ATTEMPTS", Default: "24",
			Meaning: "How often a callback is tried before it is set aside for the operator.",
			Mend:    "give a whole number from 1 to 1000",
		}, field: func(s *Settings) any { return &s.Callbacks.MaxAttempts }},
		{Setting: Setting{
			Key: "callbacks.max_wait", Env: "ANCHOR_CALLBACK_MAX_WAIT", Default: "6h",
			Meaning: "The longest pause between two attempts; pauses grow up to it.",
			Mend:    "give a duration above zero, such as 6h",
		}, field: func(s *Settings) any { return &s.Callbacks.MaxWait }},
		{Setting: Setting{
			Key: "callbacks.concurrency", Env: "ANCHOR_CALLBACK_CONCURRENCY", Default: "64",
			Meaning: "How many callbacks are under way at once.",
			Mend:    "give a whole number from 1 to 1000",
		}, field: func(s *Settings) any { return &s.Callbacks.Concurrency }},
	}
}

func workerRows() []row {
	return []row{
		{Setting: Setting{
			Key: "workers.interval", Env: "ANCHOR_INTERVAL", Default: "30s",
			Meaning: "The longest wait of a loop; work wakes it at once.",
			Mend:    "give a duration above zero, such as 30s or 30",
		}, field: func(s *Settings) any { return &s.Workers.Interval }, seconds: true},
		{Setting: Setting{
			Key: "workers.concurrency", Env: "ANCHOR_CONCURRENCY", Default: "8",
			Meaning: "How many payouts of a rail are under way at once in one process.",
			Mend:    "give a whole number from 1 to 1000",
		}, field: func(s *Settings) any { return &s.Workers.Concurrency }},
		{Setting: Setting{
			Key: "workers.max_tries", Env: "ANCHOR_PAYOUT_MAX_TRIES", Default: "20",
			Meaning: "How often in a row a payout may turn out not to have been sent before it waits for the operator.",
			Mend:    "give a whole number from 1 to 1000",
		}, field: func(s *Settings) any { return &s.Workers.MaxTries }},
		{Setting: Setting{
			Key: "workers.rail_timeout", Env: "ANCHOR_RAIL_TIMEOUT", Default: "30s",
			Meaning: "How long one call to a rail may take; what is not answered by then is unknown, not failed.",
			Mend:    "give a duration above zero, such as 30s",
		}, field: func(s *Settings) any { return &s.Workers.RailTimeout }},
		{Setting: Setting{
			Key: "workers.batch_timeout", Env: "ANCHOR_BATCH_TIMEOUT", Default: "5m",
			Meaning: "How long a rail that takes batches may take for one. A process that ended while it handed one over holds it up for twice as long.",
			Mend:    "give a duration above zero, such as 5m",
		}, field: func(s *Settings) any { return &s.Workers.BatchTimeout }},
		{Setting: Setting{
			Key: "workers.lease", Env: "ANCHOR_LEASE", Default: "2m",
			Meaning: "How long claimed work belongs to the process that claimed it; at least twice ANCHOR_RAIL_TIMEOUT.",
			Mend:    "give a duration of at least twice ANCHOR_RAIL_TIMEOUT, such as 2m",
		}, field: func(s *Settings) any { return &s.Workers.Lease }},
	}
}

func logRows() []row {
	return []row{
		{Setting: Setting{
			Key: "log.level", Env: "ANCHOR_LOG_LEVEL", Default: "info",
			Meaning: "The least important lines that are logged: debug, info, warn or error.",
			Mend:    "give debug, info, warn or error",
		}, field: func(s *Settings) any { return &s.Log.Level }},
		{Setting: Setting{
			Key: "log.format", Env: "ANCHOR_LOG_FORMAT", Default: "text",
			Meaning: "How lines are written: text or json.",
			Mend:    "give text or json",
		}, field: func(s *Settings) any { return &s.Log.Format }},
	}
}

func documentationRows() []row {
	text := func(name, meaning, mend string, field func(*Documentation) *string) row {
		return row{
			Setting: Setting{
				Key: "documentation.org_" + name, Env: "ANCHOR_ORG_" + upper(name), Meaning: meaning, Mend: mend,
			},
			field: func(s *Settings) any { return field(&s.Documentation) },
		}
	}
	const (
		anyText = "give a text, or nothing"
		address = "give an address that begins with https://, or nothing"
		mail    = "give an e-mail address, or nothing"
		phone   = "give the number in E.164 form, such as +14155552671, or nothing"
	)
	return []row{
		text("name", "Legal name of the organisation (ORG_NAME of stellar.toml, and so on).", anyText, func(d *Documentation) *string { return &d.OrgName }),
		text("dba", "Name under which it does business.", anyText, func(d *Documentation) *string { return &d.OrgDBA }),
		text("url", "Its website, on the domain of the stellar.toml.", address, func(d *Documentation) *string { return &d.OrgURL }),
		text("logo", "Address of its logo, a PNG.", address, func(d *Documentation) *string { return &d.OrgLogo }),
		text("description", "Short description.", anyText, func(d *Documentation) *string { return &d.OrgDescription }),
		text("physical_address", "Postal address.", anyText, func(d *Documentation) *string { return &d.OrgPhysicalAddress }),
		text("physical_address_attestation", "Address of a document that attests it.", address, func(d *Documentation) *string { return &d.OrgPhysicalAddressAttestation }),
		text("phone_number", "Phone number, E.164.", phone, func(d *Documentation) *string { return &d.OrgPhoneNumber }),
		text("phone_number_attestation", "Address of a document that attests it.", address, func(d *Documentation) *string { return &d.OrgPhoneNumberAttestation }),
		text("keybase", "Keybase account.", anyText, func(d *Documentation) *string { return &d.OrgKeybase }),
		text("twitter", "Twitter account.", anyText, func(d *Documentation) *string { return &d.OrgTwitter }),
		text("github", "GitHub account.", anyText, func(d *Documentation) *string { return &d.OrgGithub }),
		text("official_email", "E-mail address for official contact.", mail, func(d *Documentation) *string { return &d.OrgOfficialEmail }),
		text("support_email", "E-mail address for users' questions.", mail, func(d *Documentation) *string { return &d.OrgSupportEmail }),
		text("licensing_authority", "Authority that licensed it.", anyText, func(d *Documentation) *string { return &d.OrgLicensingAuthority }),
		text("license_type", "Type of the licence.", anyText, func(d *Documentation) *string { return &d.OrgLicenseType }),
		text("license_number", "Number of the licence.", anyText, func(d *Documentation) *string { return &d.OrgLicenseNumber }),
	}
}

func refundRows() []row {
	return []row{
		{Setting: Setting{
			Key: "refunds.signer_url", Env: "ANCHOR_SIGNER_URL",
			Meaning: "The remote signer that signs refunds of receiving accounts that were registered with it; see docs/refunds.md.",
			Mend:    "give the address of the signer, beginning with https://",
		}, field: func(s *Settings) any { return &s.Refunds.SignerURL }},
		{Setting: Setting{
			Key: "refunds.signer_token", Env: "ANCHOR_SIGNER_TOKEN",
			Meaning: "What the remote signer is shown as bearer token.",
			Mend:    "give the token that the signer expects",
		}, field: func(s *Settings) any { return &s.Refunds.SignerToken }},
		{Setting: Setting{
			Key: "refunds.time_bound", Env: "ANCHOR_REFUND_TIME_BOUND", Default: "5m",
			Meaning: "How long the envelope of a refund may land. Only after that, and once the account was read past it, another one is made.",
			Mend:    "give a duration from 1m to 1h, such as 5m",
		}, field: func(s *Settings) any { return &s.Refunds.TimeBound }},
		{Setting: Setting{
			Key: "refunds.excluded_accounts", Env: "ANCHOR_REFUND_EXCLUDED_ACCOUNTS",
			Meaning: "Stellar accounts to which nothing goes back by itself, such as exchanges whose customers share an account. Own accounts and issuers are among them always.",
			Mend:    "give Stellar accounts (G…)",
		}, field: func(s *Settings) any { return &s.Refunds.ExcludedAccounts }},
		{Setting: Setting{
			Key: "refunds.treasury_accounts", Env: "ANCHOR_TREASURY_ACCOUNTS",
			Meaning: "Stellar accounts to which the business moves received money itself. A movement to any other account that no refund explains stops the refunds of the account that it left.",
			Mend:    "give Stellar accounts (G…)",
		}, field: func(s *Settings) any { return &s.Refunds.TreasuryAccounts }},
	}
}

func remoteRows() []row {
	return []row{
		{Setting: Setting{
			Key: "remote.url", Env: "ANCHOR_REMOTE_URL",
			Meaning: "The address of the business' own server, which is asked over HTTP about remote.parts and for rails of the kind remote; see docs/remote-integration.md.",
			Mend:    "give an address beginning with https://; http:// is for this machine and for LOCAL_MODE",
		}, field: func(s *Settings) any { return &s.Remote.URL }},
		{Setting: Setting{
			Key: "remote.keys", Env: "ANCHOR_REMOTE_KEYS",
			Meaning: "The keys shared with that server, as `id:base64 of 32 bytes`, several with commas: the first signs requests, answers are believed by any.",
			Mend:    "give id:KEY, KEY being the output of `openssl rand -base64 32`",
		}, field: func(s *Settings) any { return &s.Remote.Keys }},
		{Setting: Setting{
			Key: "remote.ca_file", Env: "ANCHOR_REMOTE_CA_FILE",
			Meaning: "A PEM file with the certificates by which that server's is checked, instead of those that this machine trusts.",
			Mend:    "give the path of a PEM file, or nothing",
		}, field: func(s *Settings) any { return &s.Remote.CAFile }},
		{Setting: Setting{
			Key: "remote.timeout", Env: "ANCHOR_REMOTE_TIMEOUT", Default: "5s",
			Meaning: "The longest question to that server while a sending anchor waits, its repetition included.",
			Mend:    "give a duration above zero, such as 5s",
		}, field: func(s *Settings) any { return &s.Remote.Timeout }},
		{Setting: Setting{
			Key: "remote.rail_timeout", Env: "ANCHOR_REMOTE_RAIL_TIMEOUT", Default: "25s",
			Meaning: "The longest call to that server that pays or asks about payouts; below ANCHOR_RAIL_TIMEOUT.",
			Mend:    "give a duration below ANCHOR_RAIL_TIMEOUT, such as 25s",
		}, field: func(s *Settings) any { return &s.Remote.RailTimeout }},
		{Setting: Setting{
			Key: "remote.parts", Env: "ANCHOR_REMOTE_PARTS",
			Meaning: "What that server is asked about, of receiver, customers, quotes and fee; the rest stays as declared here.",
			Mend:    "give some of receiver, customers, quotes, fee",
		}, field: func(s *Settings) any { return &s.Remote.Parts }},
	}
}
