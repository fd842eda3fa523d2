// Package openapitest holds handlers to the document of package openapi.
//
// It promises that a test whose handler answers anything that the document does not say fails, and that the document does not
// ask more of a request than a handler that accepted it. It must never change a request or an answer. Tests of the edges use
// it; it never ships.
package openapitest
