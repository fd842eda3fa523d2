// Command crossborder is an anchor with decisions of its own: the receiving side of SEP-31 as the Polaris manual builds it in
// "Enable Cross Border Payments", as a program that has all commands of the plain binary.
//
// It promises that only the sending anchors of SENDING_ANCHORS are admitted, that nobody is paid at a bank that our bank does not
// know, and that one payout key is one transfer. It must never be used where real money moves: its bank is a file. It is
// read by those who write their own, imports what they can import, and is driven end to end by its test along
// docs/cross-border-payments.md.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/cli"
)

func main() { cli.Main(setup) }

// setup makes what this business does by itself. Every process of the anchor that needs it calls it once.
func setup(ctx context.Context, h anchor.Host) (anchor.Business, error) {
	senders, err := parseSendingAnchors(os.Getenv(sendingAnchorsVariable))
	if err != nil {
		return anchor.Business{}, err
	}
	if len(senders) == 0 {
		h.Log.WarnContext(ctx, "nobody can send: no sending anchor is admitted", "mend", "list their accounts in "+sendingAnchorsVariable)
	}
	var settings bankSettings
	if err := h.Setting("bank", &settings); err != nil {
		return anchor.Business{}, err
	}
	bank, err := openBank(settings)
	if err != nil {
		return anchor.Business{}, fmt.Errorf("open the bank: %w", err)
	}
	return anchor.Business{
		Receiver:  receiver{bank: bank, senders: senders},
		Customers: customers{},
		Rails:     map[string]anchor.Rail{"bank": bank.rail()},
	}, nil
}
