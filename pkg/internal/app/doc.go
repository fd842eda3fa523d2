// Package app puts the parts together: settings and a business become the roles serve, watch-transactions,
// execute-outgoing and poll-outgoing over one database.
//
// It promises that everything it opened is closed again, in reverse order, and that a role ends by itself only when it
// cannot go on. It must never decide what the parts decide, nor know flags or signals. Package cli calls it, and so do
// tests that want a whole anchor in their process.
package app
