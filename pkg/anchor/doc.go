// Package anchor holds the words of the receiving side of SEP-31: statuses and how they follow one another, amounts,
// refusals, the outcomes of payouts, and what a business implements to plug its own KYC and payment rails in.
//
// It promises that everything here is a value or a pure function: nothing reads a clock, a database or the network, so
// every decision about money can be tested without any of them. It must never import a package of this module other than
// money, and never learn SQL, HTTP or settings. Businesses import it, and every other package of this module does.
package anchor
