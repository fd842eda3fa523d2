package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func (s *shared) batchesCommand() *cobra.Command {
	var rail string
	var limit int
	c := &cobra.Command{
		Use: "batches", Short: "List what was handed over in batches, those first that are not yet", Args: noArguments,
		Example: `  anchor payouts batches --rail sepa-files`,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().ListBatches(ctx, rail, limit)
			if err != nil {
				return err
			}
			list := listedBatches(rows)
			if *asJSON {
				return printJSON(s.Stdout, list)
			}
			return s.printBatches(list)
		})
	}
	c.Flags().StringVar(&rail, "rail", "", "only those of this rail")
	c.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	return c
}

// listedBatch is a batch as programs get it.
type listedBatch struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"` // by which the rail knows it
	Rail       string  `json:"rail"`
	Number     int64   `json:"number"`
	State      string  `json:"state"` // writing: it is not known yet that it was handed over; written
	Payouts    int64   `json:"payouts"`
	CutOff     *string `json:"cut_off"`
	ExternalID string  `json:"external_id,omitempty"`
	Tries      int64   `json:"tries"`
	LastError  string  `json:"last_error,omitempty"`
	NextAt     *string `json:"next_at,omitempty"` // when it is tried again
	CreatedAt  *string `json:"created_at"`
}

func listedBatches(rows []store.Batch) []listedBatch {
	list := make([]listedBatch, len(rows))
	for i, b := range rows {
		list[i] = listedBatch{
			ID: b.ID, Name: b.Name(), Rail: b.Rail, Number: b.Number, State: b.State, Payouts: b.Payouts, CutOff: stamp(store.At(b.CutOffUs)),
			ExternalID: b.ExternalID, Tries: b.Tries, LastError: b.LastError, CreatedAt: stamp(store.At(b.CreatedUs)),
		}
		if b.State == store.BatchWriting {
			list[i].NextAt = stamp(store.At(b.NextUs))
		}
	}
	return list
}

func (s *shared) printBatches(list []listedBatch) error {
	t := newTable("BATCH", "NAME", "RAIL", "NO", "STATE", "PAYOUTS", "CUT-OFF", "RAIL'S ID", "TRIES", "NEXT", "LAST ERROR")
	for _, b := range list {
		t.row(b.ID, b.Name, b.Rail, fmt.Sprint(b.Number), b.State, fmt.Sprint(b.Payouts), moment(b.CutOff), b.ExternalID, fmt.Sprint(b.Tries), moment(b.NextAt), b.LastError)
	}
	return t.print(s.Stdout)
}
