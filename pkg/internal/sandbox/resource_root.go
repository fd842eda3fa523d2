package sandbox

// rootLink is one line of the table of contents that GET / shows.
type rootLink struct{ name, path string }

func rootLinks() []rootLink {
	const (
		base    = `base_asset_type={base_asset_type}\u0026base_asset_code={base_asset_code}\u0026base_asset_issuer={base_asset_issuer}`
		counter = `counter_asset_type={counter_asset_type}\u0026counter_asset_code={counter_asset_code}\u0026counter_asset_issuer={counter_asset_issuer}`
	)
	return []rootLink{
		{"account", "/accounts/{account_id}"},
		{"accounts", "/accounts{?signer,sponsor,asset,liquidity_pool,cursor,limit,order}"},
		{"account_transactions", "/accounts/{account_id}/transactions" + paging},
		{"claimable_balances", "/claimable_balances{?asset,sponsor,claimant,cursor,limit,order}"},
		{"assets", "/assets{?asset_code,asset_issuer,cursor,limit,order}"},
		{"effects", "/effects" + paging},
		{"fee_stats", "/fee_stats"},
		{"friendbot", "/friendbot{?addr}"},
		{"ledger", "/ledgers/{sequence}"},
		{"ledgers", "/ledgers" + paging},
		{"liquidity_pools", "/liquidity_pools{?reserves,account,cursor,limit,order}"},
		{"offer", "/offers/{offer_id}"},
		{"offers", "/offers{?selling,buying,seller,sponsor,cursor,limit,order}"},
		{"operation", "/operations/{id}"},
		{"operations", "/operations{?cursor,limit,order,include_failed}"},
		{"order_book", "/order_book{?selling_asset_type,selling_asset_code,selling_asset_issuer,buying_asset_type," +
			"buying_asset_code,buying_asset_issuer,limit}"},
		{"payments", "/payments{?cursor,limit,order,include_failed}"},
		{"self", "/"},
		{"strict_receive_paths", "/paths/strict-receive{?source_assets,source_account,destination_account," +
			"destination_asset_type,destination_asset_issuer,destination_asset_code,destination_amount}"},
		{"strict_send_paths", "/paths/strict-send{?destination_account,destination_assets,source_asset_type," +
			"source_asset_issuer,source_asset_code,source_amount}"},
		{"trade_aggregations", "/trade_aggregations?" + base + `\u0026` + counter},
		{"trades", "/trades?" + base + `\u0026` + counter},
		{"transaction", "/transactions/{hash}"},
		{"transactions", "/transactions" + paging},
	}
}

// printRoot writes what GET / answers; n.mu is held.
func (n *Network) printRoot(p *printer) {
	latest := n.latest()
	p.open('{')
	p.object("_links")
	for _, l := range rootLinks() {
		if l.name == "self" || l.name == "fee_stats" {
			p.link(l.name, l.path)
		} else {
			p.template(l.name, l.path)
		}
	}
	p.close('}')
	p.plain("horizon_version", horizonVersion)
	p.plain("core_version", coreVersion)
	p.number("ingest_latest_ledger", int64(latest.sequence))
	p.number("history_latest_ledger", int64(latest.sequence))
	p.plain("history_latest_ledger_closed_at", latest.closedAt)
	p.number("history_elder_ledger", int64(n.elder))
	p.number("core_latest_ledger", int64(latest.sequence))
	p.text("network_passphrase", n.opts.Passphrase)
	p.number("current_protocol_version", protocol)
	p.number("supported_protocol_version", protocol)
	p.number("core_supported_protocol_version", protocol)
	p.close('}')
}
