// Package stellar is the Stellar network as the anchor sees it through Horizon: payments that came in, accounts and their
// signers, ledgers, and the submission of envelopes.
//
// It promises that a page of payments is complete and exact: every increase of the account's balance by somebody else's
// operation, and every decrease by one of its own that sends, is in it once, to the last stroop, with the canonical form of
// its memo; all of a page comes from one Horizon, whichever of several answers; a record that cannot be understood is handed
// on as unreadable instead of being dropped or stopping the page; and no error names a header, a query or a host's path,
// where keys of hosted Horizons live.
//
// It must never decide whose payment it is, keep a position, read a clock to judge money, or take an answer to a
// submission as proof that a transaction is dead. It knows no database.
//
// The watcher reads pages and waits for news with it, the edges look up accounts, signers and the network's name, and the
// refund and issuing code submits with it.
package stellar
