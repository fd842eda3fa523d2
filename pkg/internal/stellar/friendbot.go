package stellar

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrNoFriendbot says that the network's Horizon names no friendbot and answers none itself.
var ErrNoFriendbot = errors.New("this network has no friendbot")

func (e *endpoint) friendbot(ctx context.Context, account string) error {
	const what = "friendbot"
	if err := checkAsked(account, 0); err != nil {
		return err
	}
	root, err := e.root(ctx)
	if err != nil {
		return err
	}
	req, err := e.friendbotRequest(ctx, root.friendbot, account)
	if err != nil {
		return named(what, err)
	}
	got, err := e.send(req, maxAnswer, e.requestTimeout)
	if err != nil {
		return named(what, err)
	}
	if got.status == http.StatusOK || alreadyFunded(got) {
		return nil
	}
	if got.status == http.StatusNotFound || got.status == http.StatusMethodNotAllowed {
		return named(what, ErrNoFriendbot)
	}
	return named(what, refusal(got))
}

// friendbotRequest follows the link of Horizon's root, which may lead to another host: no header of ours goes there.
func (e *endpoint) friendbotRequest(ctx context.Context, template, account string) (*http.Request, error) {
	if template == "" {
		return e.request(ctx, http.MethodGet, "/friendbot", url.Values{"addr": {account}}, nil)
	}
	link, err := url.Parse(strings.TrimSuffix(strings.TrimSuffix(template, "{?addr}"), "{&addr}"))
	if err != nil || (link.Scheme != "http" && link.Scheme != "https") {
		return nil, &AnswerError{Reason: "its link to friendbot is no address"}
	}
	query := link.Query()
	query.Set("addr", account)
	link.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link.String(), nil)
	if err != nil {
		return nil, &AnswerError{Reason: "its link to friendbot is no address"}
	}
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

func alreadyFunded(got answer) bool {
	if got.status != http.StatusBadRequest {
		return false
	}
	p := readProblem(got.body)
	return slices.Contains(p.Extras.ResultCodes.Operations, "op_already_exists") ||
		strings.Contains(p.Detail, "already funded") || strings.Contains(p.Detail, "createAccountAlreadyExist")
}
