// Package sep1 is the anchor's stellar.toml (SEP-1): generated from settings and assets, with the business' own document merged
// in, changed by the business' hook, served to everybody.
//
// It promises plain TOML 0.4 below 100 KB that names the endpoints of the active SEPs and nothing else, complete or not at
// all, in which the business' file adds to what the anchor says and never replaces it, and that however often it is asked
// for, the assets are read about once a second at most, and the document made only when one has changed.
//
// It must never publish a value that it was not given for that purpose, nor know where settings and assets come from. The
// wiring puts it on the server.
package sep1
