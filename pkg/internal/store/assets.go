package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Asset is a row of assets: a Stellar asset that the anchor receives, with the terms on which it does. MinUnits, MaxUnits (0:
// no limit) and FeeFixedUnits are in 10^-7, whatever Decimals are; FeePercent is a decimal number.
type Asset struct{ sqlgen.Asset }

// Methods are the names of the funding methods by which what arrives in this asset can be paid out; may be empty.
func (a Asset) Methods() ([]string, error) {
	if a.FundingMethods == "" {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(a.FundingMethods), &names); err != nil {
		return nil, fmt.Errorf("funding methods of asset %s: %w", a.Code, err)
	}
	return names, nil
}

// SetMethods replaces the funding methods.
func (a *Asset) SetMethods(names []string) error {
	a.FundingMethods = ""
	if len(names) == 0 {
		return nil
	}
	text, err := json.Marshal(names)
	a.FundingMethods = string(text)
	return err
}

// Receivable tells whether transactions in this asset can be agreed now.
func (a Asset) Receivable() bool { return a.Enabled && a.Sep31Enabled }

// Assets lists all assets, those that are switched off included, in the order in which they were registered.
func (db *DB) Assets(ctx context.Context) ([]Asset, error) {
	rows, err := db.q.ListAssets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	list := make([]Asset, len(rows))
	for i, row := range rows {
		list[i] = Asset{row}
	}
	return list, nil
}

// AssetByCode reads one asset. Codes are case-sensitive.
func (db *DB) AssetByCode(ctx context.Context, code, issuer string) (Asset, error) {
	return assetByCode(ctx, db.q, code, issuer)
}

// AssetByCode reads one asset inside this Tx.
func (tx *Tx) AssetByCode(ctx context.Context, code, issuer string) (Asset, error) {
	return assetByCode(ctx, tx.q, code, issuer)
}

func assetByCode(ctx context.Context, q *sqlgen.Queries, code, issuer string) (Asset, error) {
	row, err := q.AssetByCode(ctx, sqlgen.AssetByCodeParams{Code: code, Issuer: issuer})
	return found(Asset{row}, err, "asset %s:%s", code, issuer)
}

// Words for the status of an asset in its history.
const (
	assetOn  = "enabled"
	assetOff = "disabled"
)

func assetStatus(a Asset) string {
	if a.Enabled {
		return assetOn
	}
	return assetOff
}

// CreateAsset stores a new asset with its first event; its receiving account must be there. Id, version and times are set
// here. ErrExists means that the code and issuer are taken.
func (tx *Tx) CreateAsset(ctx context.Context, a Asset, c anchor.Change) (Asset, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Asset{}, err
	}
	a.ID, a.Version, a.CreatedUs, a.UpdatedUs = NewID(), 1, now, now
	err = tx.q.InsertAsset(ctx, sqlgen.InsertAssetParams{
		ID: a.ID, Code: a.Code, Issuer: a.Issuer, Decimals: a.Decimals, ReceivingAccount: a.ReceivingAccount, Enabled: a.Enabled,
		Sep31Enabled: a.Sep31Enabled, Sep38Enabled: a.Sep38Enabled, MinUnits: a.MinUnits, MaxUnits: a.MaxUnits,
		FeeFixedUnits: a.FeeFixedUnits, FeePercent: a.FeePercent, FundingMethods: a.FundingMethods, NowUs: now,
	})
	if tx.db.engine.exists(err) {
		return Asset{}, fmt.Errorf("asset %s:%s: %w", a.Code, a.Issuer, ErrExists)
	}
	if err != nil {
		return Asset{}, fmt.Errorf("insert asset %s:%s: %w", a.Code, a.Issuer, err)
	}
	tx.Wake(TopicAssets)
	return a, tx.event(ctx, SubjectAsset, a.ID, a.Version, "", assetStatus(a), c)
}

// ChangeAsset writes new terms of an asset with its event; before is the row as this Tx read it. Agreed transactions keep
// the terms they were agreed on. Code, issuer and decimals stay as they are.
func (tx *Tx) ChangeAsset(ctx context.Context, before, after Asset, c anchor.Change) (Asset, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Asset{}, err
	}
	err = one(tx.q.UpdateAsset(ctx, sqlgen.UpdateAssetParams{
		Version: before.Version, ReceivingAccount: after.ReceivingAccount, Enabled: after.Enabled, Sep31Enabled: after.Sep31Enabled,
		Sep38Enabled: after.Sep38Enabled, MinUnits: after.MinUnits, MaxUnits: after.MaxUnits, FeeFixedUnits: after.FeeFixedUnits,
		FeePercent: after.FeePercent, FundingMethods: after.FundingMethods, NowUs: now, ID: before.ID,
	}))
	if err != nil {
		return Asset{}, fmt.Errorf("change asset %s:%s: %w", before.Code, before.Issuer, err)
	}
	after.ID, after.Code, after.Issuer, after.Decimals = before.ID, before.Code, before.Issuer, before.Decimals
	after.Version, after.CreatedUs, after.UpdatedUs = before.Version+1, before.CreatedUs, now
	tx.Wake(TopicAssets)
	return after, tx.event(ctx, SubjectAsset, after.ID, after.Version, assetStatus(before), assetStatus(after), c)
}
