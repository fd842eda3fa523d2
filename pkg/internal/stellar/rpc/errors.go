package rpc

import (
	"errors"
	"fmt"
)

// ChainError says that two ledgers that were shown one after the other do not belong to one chain: the network has begun
// anew, or the server shows another history than before. Going on could miss or mistake payments.
type ChainError struct {
	Sequence  int64  // of the ledger that was refused
	Want, Got string // hashes, lower hex
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("ledger %d does not continue the chain that was read before: hash %s where %s was expected; "+
		"the network has been reset or the RPC server shows another history", e.Sequence, e.Got, e.Want)
}

// RefusedError says that the server understood the call and refused it; repeating it will not help.
type RefusedError struct {
	Code    int64 // of JSON-RPC 2.0
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the RPC server refused: %s (code %d)", e.Message, e.Code)
}

// AnswerError says that an answer was not what an RPC server answers, or holds a ledger that cannot be understood. Nothing
// of that ledger has been passed.
type AnswerError struct{ Reason string }

func (e *AnswerError) Error() string { return "the RPC server's answer cannot be read: " + e.Reason }

// errTooLarge is met by asking for fewer ledgers.
var errTooLarge = errors.New("the answer is larger than the bound")
