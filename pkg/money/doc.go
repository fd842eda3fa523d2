// Package money is exact arithmetic on amounts, rates and percentages, and the names of the assets they count.
//
// It promises that no value is ever inexact: an amount is a whole number of the smallest units of its asset, every
// operation is exact or rounds once in the direction that the caller names, and what does not fit is an error. Texts
// are read strictly (digits, at most one point), so that two parties never understand one text differently.
//
// It must never use floating point, hold a negative amount, round without being told how, or panic on any input.
//
// Everything that counts money calls it: the parsing of requests, fees and quotes, the store, the network. All values
// are immutable and comparable with ==, and safe for use from several goroutines.
package money
