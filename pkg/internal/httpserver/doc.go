// Package httpserver is how the anchor is reached over HTTP: echo set up once, the limits, the one mapping of errors to
// answers, and the operator's address with health and metrics.
//
// It promises that every request that reaches a handler has a bounded body, a bounded time and only text that is UTF-8
// without U+0000; that every error becomes JSON with the right status, the same everywhere and also where a handler
// panicked, and also where no handler ever saw the request; that nobody gets more than the share that is set for one
// address and one account, whatever they claim to be, and that knowing them takes bounded memory; that browsers may read
// the answers of the SEP endpoints, errors included, and nobody keeps them; and that a server that is told to stop lets
// requests under way finish.
//
// It must never know what an endpoint does, tell a client what went wrong inside, believe a header about who asks unless
// a trusted proxy wrote it, or let the values of a path, a query, a header or a body get into the log or into metrics.
// The wiring makes one for the SEP endpoints and one for the operator; the edges add their routes to its groups and
// return their errors to it.
package httpserver
