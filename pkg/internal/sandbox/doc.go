// Package sandbox is a Stellar network on this machine behind Horizon's HTTP dialect and, under /rpc, Stellar RPC's: its
// network, health, ledgers and transactions (no events, no simulation, no ledger entries).
//
// It promises what an anchor relies on: real ed25519 signatures over the network's passphrase, signers with weights and
// the threshold of each operation, sequence numbers, time and ledger bounds, fees, fee bumps, balances with the base
// reserve, trust lines and their limits, and atomic transactions; a transaction whose operations fail enters the ledger,
// pays its fee and uses up its sequence number, one that is not valid is refused when it is posted and enters nothing.
// Ledgers form a chain of SHA-256 hashes over real headers. Answers, errors and streams have the fields, words and
// framing of a real Horizon; testdata/horizon holds the answers that the tests compare with.
//
// Operations: create account, payment, both path payments, account merge, change trust, set options, manage data, and
// calls of the contracts of Stellar assets (transfer, mint, burn, clawback). Everything else is answered as not supported
// (tx_not_supported, op_not_supported) and changes nothing. Effects are told of what moves or ends balances: credits,
// debits, trades, accounts and trust lines; not of options, data and later signers.
//
// There is no order book. Path payments trade with one account, the market's, at the rates that the operator sets
// (SetRate), in any amount; what it gives of a credit asset comes from nowhere, lumens are its own. There is no
// virtual machine either: besides the contracts of assets, which only the source of the operation can ask for something,
// there is one that the operator calls, which moves what it is told to (MoveByContract).
//
// It is kinder than a real network in these points:
//   - several transactions of one account may be in one ledger if their sequence numbers chain (the real one answers
//     TRY_AGAIN_LATER; so does this one with Options.OnePerLedger);
//   - transactions are applied in the order in which they came, and the fee is never more than the base fee, or what a
//     surge makes of it (SetSurge);
//   - a queued transaction that can no longer be valid is answered at once instead of by a timeout, and one that bids too
//     little for a surge waits as long as its bounds allow;
//   - ledgers may close in the same second (the real one moves the time on by at least one);
//   - calls of contracts need no authorization entries and no footprint, and all of their resource fee is charged;
//   - result_meta_xdr and fee_meta_xdr are valid but name no ledger entries, only the events of contracts.
//
// It must never be reachable as, or mistaken for, a network with value: the keys of its root account and its friendbot
// follow from the passphrase, and whoever reaches it is its operator. It keeps everything in memory and nothing on disk.
//
// Its callers are the sandbox and demo commands, and tests, which also make it misbehave (Faults), begin with a long
// history (Prepare) and read its books (Balance, Transactions) to compare them with what the program under test believes.
// Tests in other processes do the same under /sandbox.
package sandbox
