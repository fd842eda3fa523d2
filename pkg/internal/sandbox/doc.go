// Package sandbox is a Stellar network on this machine behind Horizon's HTTP dialect.
//
// It promises what an anchor relies on: real ed25519 signatures over the network's passphrase, signers with weights and
// the threshold of each operation, sequence numbers, time and ledger bounds, fees, balances with the base reserve,
// trust lines and their limits, and atomic transactions; a transaction whose operations fail enters the ledger, pays
// its fee and uses up its sequence number, one that is not valid is refused when it is posted and enters nothing.
// Ledgers form a chain of SHA-256 hashes over real headers. Answers, errors and streams have the fields, words and
// framing of a real Horizon; testdata/horizon holds the answers that the tests compare with.
//
// Operations: create account, payment, change trust, set options, manage data. Everything else, fee bumps included, is
// answered as not supported (tx_not_supported, op_not_supported) and changes nothing.
//
// It is kinder than a real network in these points:
//   - several transactions of one account may be in one ledger if their sequence numbers chain (the real one answers
//     TRY_AGAIN_LATER);
//   - transactions are applied in the order in which they came, and the fee is never more than the base fee;
//   - a queued transaction that can no longer be valid is answered at once instead of by a timeout;
//   - ledgers may close in the same second (the real one moves the time on by at least one);
//   - result_meta_xdr and fee_meta_xdr are valid but name no ledger entries.
//
// It must never be reachable as, or mistaken for, a network with value: the keys of its root account and its friendbot
// follow from the passphrase. It keeps everything in memory and nothing on disk.
//
// Its callers are the sandbox and demo commands, and tests, which also switch its faults on and off (Faults) and read
// its books (Balance, Transactions) to compare them with what the program under test believes.
package sandbox
