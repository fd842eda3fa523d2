// Package simulated is a bank that exists only in a file: a rail for demonstrations, tests and trying settings out.
//
// It promises what a good bank promises: the same key is the same payment, made at most once, whoever sends it how often and
// from how many processes; and it says so when it is asked. Its ledger is a file of one JSON object per line, appended to
// under a lock that all processes of the host share; it holds keys and amounts, never personal data. It must never be used
// where real money moves: the settings refuse it on the public network. The declared integration and the tests call it.
package simulated
