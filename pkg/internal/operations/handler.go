package operations

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/money"
)

// Prefix is the path below which the API is.
const Prefix = "/operations"

// Keys recognises callers and keeps what they repeat from happening twice.
type Keys interface {
	Authenticate(ctx context.Context, token string) (apikeys.Caller, error)
	Once(ctx context.Context, who apikeys.Caller, r apikeys.Request, do func(context.Context) error) error
}

// Options are what the API works with; all are required.
type Options struct {
	Keys Keys
	// By is what requests are handed to; the actor is who is named in histories.
	By func(actor string) anchor.Operations
	// Moved tells what the payout of an attempt moves, and its SEP-38 asset id; CodeNotFound for an unknown key.
	Moved func(context.Context, anchor.PayoutKey) (money.Amount, string, error)
	Log   *slog.Logger
}

// Handler answers requests; it is safe for concurrent use. Errors are returned for the server to map.
type Handler struct{ options Options }

// New makes the handlers.
func New(o Options) *Handler { return &Handler{o} }

// Routes adds the endpoints below a group, which is Prefix on the operator's address. protect comes before keys are looked at.
func (h *Handler) Routes(g *echo.Group, protect ...echo.MiddlewareFunc) {
	g.GET("/transactions/:id", h.with(apikeys.ReadTransactions, h.transaction), protect...)
	g.POST("/customers/:id/status", h.with(apikeys.WriteCustomers, h.customerStatus), protect...)
	g.POST("/payouts/:key/outcome", h.with(apikeys.ReportPayouts, h.payoutOutcome), protect...)
}

// with calls an endpoint for callers whose key permits it.
func (h *Handler) with(scope apikeys.Scope, endpoint func(echo.Context, apikeys.Caller) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := h.options.Keys.Authenticate(c.Request().Context(), bearer(c.Request().Header))
		if err != nil {
			return err
		}
		if !who.Permits(scope) {
			return anchor.RefuseAs(anchor.CodeForbidden, "this key does not permit it: the scope "+string(scope)+" is needed")
		}
		return endpoint(c, who)
	}
}

// bearer is the token of a request (RFC 6750, 2.1); empty for none, or for several.
func bearer(header http.Header) string {
	values := header.Values(echo.HeaderAuthorization)
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

func (h *Handler) transaction(c echo.Context, who apikeys.Caller) error {
	t, err := h.options.By(who.Actor()).Transaction(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, envelope{t})
}

// envelope is the answer about one transaction, as SEP-31 has it.
type envelope struct {
	Transaction anchor.Transaction `json:"transaction"`
}

func (h *Handler) customerStatus(c echo.Context, who apikeys.Caller) error {
	verdict, err := readVerdict(c.Request())
	if err != nil {
		return err
	}
	return h.once(c, who, verdict, func(ctx context.Context) error {
		return h.options.By(who.Actor()).SetCustomerStatus(ctx, c.Param("id"), verdict)
	})
}

func (h *Handler) payoutOutcome(c echo.Context, who apikeys.Caller) error {
	key := anchor.PayoutKey(c.Param("key"))
	said, outcome, err := readOutcome(c.Request(), key)
	if err != nil {
		return err
	}
	return h.once(c, who, said, func(ctx context.Context) error {
		if err := h.checkMoved(ctx, key, said.Amount, said.Asset); err != nil {
			return err
		}
		return h.options.By(who.Actor()).ReportPayout(ctx, key, outcome)
	})
}

// checkMoved holds what is said to have been moved, where that is said, against what was to be moved. A difference is for
// people: nothing is recorded.
func (h *Handler) checkMoved(ctx context.Context, key anchor.PayoutKey, text, asset string) error {
	if text == "" && asset == "" {
		return nil
	}
	is, isAsset, err := h.options.Moved(ctx, key)
	if err != nil {
		return err
	}
	given, err := money.Parse(text, is.Decimals())
	if err == nil && given.Cmp(is) == 0 && asset == isAsset {
		return nil
	}
	h.options.Log.ErrorContext(ctx, "a payout is reported with another amount or asset than it has; nothing is recorded: ask the bank", "key", key)
	return anchor.RefuseAs(anchor.CodeConflict, "amount and asset are not those of the payout")
}

// once answers a request that changes something; what is asked for is named by the path and by what the body said.
func (h *Handler) once(c echo.Context, who apikeys.Caller, said any, do func(context.Context) error) error {
	request, err := requestOf(c.Request(), said)
	if err != nil {
		return err
	}
	if err := h.options.Keys.Once(c.Request().Context(), who, request, do); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, recorded{true})
}

// recorded is the answer to what was recorded, now or when it was said before.
type recorded struct {
	Recorded bool `json:"recorded"`
}
