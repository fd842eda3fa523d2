// Package e2e tests the anchor as it is run: the real program, a process per role, over SQLite and over Postgres, against a
// Stellar network and sending anchors that know nothing of its inside.
//
// It promises that what a test calls a process is one: started by its command line, ended by signals, killed without warning.
// It must never reach into a running anchor; what it knows of one comes from its endpoints, its database, the network's
// ledgers and the bank's books. It holds tests only and nobody imports it.
package e2e
