// Package rpc is the ledger read through a Stellar RPC server (getLedgers), for those who have no Horizon to read it from.
//
// It promises the same as package stellar does of Horizon, payment for payment and position for position, so that a
// watcher may change between the two from one start to the next: every increase of the account's balance by somebody
// else's operation is in its page once, and so is what the account sent. Beyond that it checks what Horizon has to be
// trusted for: that each ledger's header has the hash that its ledger claims and names the hash of the ledger before it,
// and that each transaction is one of this network. An event of a contract counts only where the contract is the one
// that the network derives from the asset's name; what any other contract says of an asset is no payment.
//
// It must never skip a ledger, take a ledger apart that it does not understand as a whole, or let an error name the
// server's address, a header or a query, where keys of providers live. It knows no database and keeps no position.
//
// The watcher reads pages and waits for news with it, in place of a Horizon.
package rpc
