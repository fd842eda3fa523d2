package app

import (
	"time"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	operationsapi "github.com/anchorkit/anchor/pkg/internal/operations"
)

// wrongKeysPerMinute is how often an address may show a wrong key for the operations API.
const wrongKeysPerMinute = 10

// mounted is what the operator's server has besides health and metrics: the operations API, where requests are served at all.
func (a *App) mounted() []func(*httpserver.Server) {
	if a.role != config.RoleServe && a.role != config.RoleRun {
		return nil
	}
	api := operationsapi.New(operationsapi.Options{
		Keys: apikeys.New(a.db, a.log, time.Now), By: a.operations.by, Moved: a.payouts.Moved, Log: a.log,
	})
	return []func(*httpserver.Server){func(s *httpserver.Server) {
		api.Routes(s.Plain(operationsapi.Prefix), s.LimitFailures(wrongKeysPerMinute))
	}}
}
