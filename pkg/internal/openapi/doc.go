// Package openapi describes what the anchor answers over HTTP, as OpenAPI 3.0.3 and as a page for people.
//
// It promises that the document names the paths of the active SEPs and no others, says of every body exactly what the
// handlers say (package openapitest holds their tests to it), and that the page is readable without scripts, on a phone and on
// paper. It must never publish a value of the settings but title, address and version, nor decide anything about a request. The
// wiring puts it on the server.
package openapi
