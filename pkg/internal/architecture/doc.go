// Package architecture holds the tests that keep the layout of this module as it is meant to be: which package may
// import which, who may use which library, and what source files must not contain. It promises that a breach fails
// the tests with the rule it breaks, must never be imported, and is run by go test alone.
package architecture
