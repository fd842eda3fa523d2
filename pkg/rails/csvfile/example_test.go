package csvfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
)

// A bank that takes a file at noon and at four, and puts what became of the payouts into another folder. The anchor calls the
// rail; here it is called by hand.
func Example() {
	folder, _ := os.MkdirTemp("", "bank")
	defer func() { _ = os.RemoveAll(folder) }()
	in, out := filepath.Join(folder, "to-the-bank"), filepath.Join(folder, "from-the-bank")
	_ = os.Mkdir(in, 0o700)
	_ = os.Mkdir(out, 0o700)

	rail, err := csvfile.New(csvfile.Options{Directory: in, Answers: out, Columns: []string{"receiver.bank_account_number"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	rail.BatchMost = 500
	rail.Calendar = anchor.Calendar{CutOffs: []anchor.ClockTime{12 * 60, 16 * 60}, Days: []time.Weekday{1, 2, 3, 4, 5}}

	payout := anchor.Payout{
		Key: "8f1c", TransactionID: "82fhs7", Amount: "100.00", Asset: "iso4217:USD", FundingMethod: "bank_account",
		Receiver: &anchor.Customer{Values: map[string]string{"bank_account_number": "000123456"}},
	}
	ctx := context.Background()
	_, err = rail.Batch.ExecuteBatch(ctx, anchor.Batch{Name: "bank-1-5b2c9e01", Rail: "bank", Number: 1, Payouts: []anchor.Payout{payout}})
	if err != nil {
		fmt.Println(err)
		return
	}
	file, _ := os.ReadFile(filepath.Join(in, "bank-1-5b2c9e01.csv"))
	fmt.Print(strings.ReplaceAll(string(file), "\r", ""))

	answer := "key,outcome,reference,reason\n8f1c,delivered,FT26327,\n"
	_ = os.WriteFile(filepath.Join(out, "2026-11-23.csv"), []byte(answer), 0o600)
	outcomes, err := rail.PollOutgoing(ctx, []anchor.Payout{payout})
	fmt.Println(outcomes["8f1c"].Kind(), outcomes["8f1c"].ExternalID(), err)
	// Output:
	// key,transaction_id,amount,asset,funding_method,receiver.bank_account_number
	// 8f1c,82fhs7,100.00,iso4217:USD,bank_account,000123456
	// delivered FT26327 <nil>
}
