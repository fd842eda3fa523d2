// Package cli is the command line of the anchor, for the plain binary and for a business' own program alike: Main gives it
// the whole binary.
//
// It promises that a command ends with a documented exit code, that every fault names its mend, and that a signal ends the
// long-running ones cleanly. It is the only package that reads signals, flags and the terminal; it must never decide
// anything about money, which the services behind package app do. A main function calls it, and nobody else.
package cli
