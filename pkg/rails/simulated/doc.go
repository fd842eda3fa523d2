// Package simulated is a bank that exists only in a file: a rail for demonstrations, tests and trying settings out.
//
// It promises what a good bank promises: the same key is the same payment, made at most once, whoever sends it how often and
// from how many processes; and it says so when it is asked. Tests may have it misbehave (see Fault): it then lies in what it
// answers, never in its ledger, so that whoever asks the Bank learns who was paid, how often, whatever crashed meanwhile. Its
// ledger is a file of one JSON object per line, appended to under a lock that all processes of the host share; a process
// that is killed while it writes leaves no payment behind. It holds keys and amounts, never personal data. It must never be
// used where real money moves: the settings refuse it on the public network. The declared integration and tests call it.
package simulated
