// Package config reads the settings of every anchor process and says what is wrong with them.
//
// It promises one typed, complete value: what anchor.yaml says, over it what .env says, over that the environment,
// over that the command line. Every setting stands in one table (Table), from which the reading, the manual's
// docs/settings.md and the messages are made; an unknown key in anchor.yaml is a fault with its path; all faults are
// reported together, each with its key and its mend.
//
// It must never print or repeat a secret, in a value, an error or a log line; never guess what a malformed value was
// meant to be; never reach for the network or the database; never keep state between two calls.
//
// The packages app and cli call it, and businesses that embed anchor in a program of their own.
package config
