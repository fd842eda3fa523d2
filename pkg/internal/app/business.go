package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/integration/declared"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// setUp asks the business for its values and fills in what it leaves to the settings. It tells what the business brought.
func (a *App) setUp(ctx context.Context, o Options) (config.Supplied, error) {
	byDefault, err := declaredBusiness(o.Settings)
	if err != nil {
		return config.Supplied{}, err
	}
	a.business = byDefault
	if !needsBusiness(o.Role) {
		return config.Supplied{}, nil
	}
	asked, err := remoteBusiness(o.Settings, a.log)
	if err != nil {
		return config.Supplied{}, err
	}
	supplied := suppliedBy(asked)
	byDefault = completed(asked, byDefault)
	if err := addFileRails(byDefault.Rails, o.Settings, a.log); err != nil {
		return config.Supplied{}, err
	}
	a.business = byDefault
	if o.Setup == nil {
		return supplied, limit(a.business.Rails, o.Settings)
	}
	own, err := o.Setup(ctx, anchor.Host{
		Log: o.Log.With("part", "business"), Setting: o.Settings.Business, Default: byDefault, Anchor: &a.operations,
	})
	if err != nil {
		return config.Supplied{}, fmt.Errorf("set up the business: %w", err)
	}
	more := suppliedBy(own)
	supplied.Receiver, supplied.Customers, supplied.Quotes =
		supplied.Receiver || more.Receiver, supplied.Customers || more.Customers, supplied.Quotes || more.Quotes
	supplied.Rails = append(supplied.Rails, more.Rails...)
	a.business = completed(own, byDefault)
	return supplied, limit(a.business.Rails, o.Settings)
}

// addFileRails adds those rails of the settings that need folders: commands of operators do without.
func addFileRails(rails map[string]anchor.Rail, s config.Settings, log *slog.Logger) error {
	var faults config.Faults
	for i, r := range s.Rails {
		if r.Kind != config.RailCSV {
			continue
		}
		rail, err := csvfile.New(csvfile.Options{Directory: r.Directory, Answers: r.Answers, Columns: r.Columns, Log: log})
		if err != nil {
			faults = append(faults, &config.Fault{
				Key: fmt.Sprintf("rails[%d]", i), Problem: "cannot be used: " + err.Error(),
				Mend: "make the folders that directory and answers name, for the user that anchor runs as",
			})
			continue
		}
		rail.BatchMost, rail.BatchEvery = r.BatchMost, r.BatchEvery
		rails[r.Name] = rail
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// FileRailFaults are what is wrong with the folders of rails that write files.
func FileRailFaults(s config.Settings) config.Faults {
	faults, _ := errors.AsType[config.Faults](addFileRails(map[string]anchor.Rail{}, s, nil))
	return faults
}

// limit gives rails the limits and calendars that the settings have for them, whoever brought them.
func limit(rails map[string]anchor.Rail, s config.Settings) error {
	for _, terms := range s.Rails {
		rail, brought := rails[terms.Name]
		if !brought {
			continue
		}
		var err error
		if rail.Limits, rail.Calendar, err = terms.Terms(); err != nil {
			return err
		}
		rails[terms.Name] = rail
	}
	return nil
}

func suppliedBy(b anchor.Business) config.Supplied {
	s := config.Supplied{Receiver: b.Receiver != nil, Customers: b.Customers != nil, Quotes: b.Quotes != nil}
	for name := range b.Rails {
		s.Rails = append(s.Rails, name)
	}
	return s
}

// completed puts the declared values where the business has none; rails are joined by name.
func completed(own, byDefault anchor.Business) anchor.Business {
	if own.Receiver == nil {
		own.Receiver = byDefault.Receiver
	}
	if own.Customers == nil {
		own.Customers = byDefault.Customers
	}
	if own.Quotes == nil {
		own.Quotes = byDefault.Quotes
	}
	if own.Fee == nil {
		own.Fee = byDefault.Fee
	}
	if own.Custody == nil {
		own.Custody = byDefault.Custody
	}
	if own.Toml == nil {
		own.Toml = byDefault.Toml
	}
	own.Close = both(own.Close, byDefault.Close)
	rails := map[string]anchor.Rail{}
	for _, some := range []map[string]anchor.Rail{byDefault.Rails, own.Rails} {
		for name, rail := range some {
			rails[name] = rail
		}
	}
	own.Rails = rails
	return own
}

// both closes one after the other; either may be nil.
func both(first, second func() error) func() error {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func() error { return errors.Join(first(), second()) }
}

// needsBusiness tells which roles speak to the business.
func needsBusiness(role config.Role) bool {
	return slices.Contains([]config.Role{config.RoleServe, config.RoleExecute, config.RolePoll, config.RoleRun}, role)
}

// declaredBusiness is the integration that anchor.yaml describes.
func declaredBusiness(s config.Settings) (anchor.Business, error) {
	o := declared.Options{
		SendingAnchors: s.SEP31.SendingAnchors, AdmitAll: s.Server.LocalMode,
		TransactionFields: map[string]anchor.Field{}, TransactionFieldDescriptions: map[string]declared.Text{},
		Rails: map[string]anchor.Rail{},
	}
	for _, t := range s.Customers.Types {
		o.Types = append(o.Types, declaredType(t))
	}
	for _, f := range s.TransactionFields {
		o.TransactionFields[f.Name] = anchor.Field{Choices: f.Choices, Optional: f.Optional}
		o.TransactionFieldDescriptions[f.Name] = f.Description
	}
	for _, r := range s.Rails {
		if r.Kind != config.RailSimulated {
			continue
		}
		rail, err := simulated.New(simulated.Options{File: r.File, Outcome: simulated.Outcome(r.Outcome), After: r.After})
		if err != nil {
			return anchor.Business{}, fmt.Errorf("rail %s: %w", r.Name, err)
		}
		o.Rails[r.Name] = rail
	}
	var err error
	if o.Quotes, err = declaredQuotes(s); err != nil {
		return anchor.Business{}, err
	}
	return declared.New(o), nil
}

func declaredType(t config.CustomerType) declared.CustomerType {
	d := declared.CustomerType{
		Name: t.Name, Side: declared.Side(t.Side), Description: t.Description, ByOperator: t.Accept == config.AcceptOperator,
		Fields: map[string]anchor.Field{}, Descriptions: map[string]declared.Text{},
	}
	for _, f := range t.Fields {
		name := anchor.SEP9Canonical(f.Name)
		d.Fields[name] = anchor.Field{Type: anchor.FieldType(f.Type), Choices: f.Choices, Optional: f.Optional}
		d.Descriptions[name] = f.Description
	}
	return d
}

// operations is how a business speaks first. It may be handed out before the database is open; until then it refuses.
type operations struct {
	services atomic.Pointer[services]
}

// services are what operations speak to.
type services struct {
	transactions *transactions.Service
	customers    *customers.Service
	payouts      *payouts.Service
}

const actorBusiness = "business"

func (o *operations) ready() (*services, error) {
	if s := o.services.Load(); s != nil {
		return s, nil
	}
	return nil, anchor.RefuseAs(anchor.CodeUnavailable, "the anchor is still being set up: call this after Setup has returned")
}

// by is the same, with who is named in histories.
func (o *operations) by(actor string) anchor.Operations { return operationsBy{o, actor} }

func (o *operations) Transaction(ctx context.Context, id string) (anchor.Transaction, error) {
	return o.by(actorBusiness).Transaction(ctx, id)
}

func (o *operations) SetCustomerStatus(ctx context.Context, customerID string, v anchor.Verdict) error {
	return o.by(actorBusiness).SetCustomerStatus(ctx, customerID, v)
}

func (o *operations) ReportPayout(ctx context.Context, key anchor.PayoutKey, outcome anchor.Outcome) error {
	return o.by(actorBusiness).ReportPayout(ctx, key, outcome)
}

// operationsBy are operations of one actor.
type operationsBy struct {
	*operations
	actor string
}

func (o operationsBy) Transaction(ctx context.Context, id string) (anchor.Transaction, error) {
	s, err := o.ready()
	if err != nil {
		return anchor.Transaction{}, err
	}
	return s.transactions.Transaction(ctx, id)
}

func (o operationsBy) SetCustomerStatus(ctx context.Context, customerID string, v anchor.Verdict) error {
	s, err := o.ready()
	if err != nil {
		return err
	}
	return s.customers.SetStatus(ctx, customerID, v, o.actor)
}

func (o operationsBy) ReportPayout(ctx context.Context, key anchor.PayoutKey, outcome anchor.Outcome) error {
	s, err := o.ready()
	if err != nil {
		return err
	}
	return s.payouts.Report(ctx, key, outcome, o.actor)
}
