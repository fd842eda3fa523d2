package inspect

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/anchorkit/anchor/pkg/internal/outbound"
)

// host looks at our own stellar.toml as a sending anchor would (SEP-1).
func (x *examination) host(ctx context.Context) []Finding {
	const check = "HOST_URL"
	if x.plan.HostURL == "" {
		return nil
	}
	client := outbound.New(outbound.Options{Timeout: x.plan.Timeout, AllowPrivate: true})
	defer client.Close()
	address := strings.TrimSuffix(x.plan.HostURL, "/") + "/.well-known/stellar.toml"
	answer, err := client.Get(ctx, address, nil)
	switch {
	case err != nil:
		return []Finding{bad(check, "is not reached from here: "+err.Error(), "is 'anchor serve' running, and does the proxy before it lead there?")}
	case answer.Status != http.StatusOK:
		return []Finding{bad(check, fmt.Sprintf("%s answers HTTP %d", address, answer.Status), "let the proxy pass /.well-known, /auth, /kyc, /sep31 and /sep38 to 'anchor serve'")}
	}
	return []Finding{x.published(check, answer.Body)}
}

// published compares what sending anchors read with the settings.
func (x *examination) published(check string, body []byte) Finding {
	var doc struct {
		SigningKey string `toml:"SIGNING_KEY"`
		Passphrase string `toml:"NETWORK_PASSPHRASE"`
		Server     string `toml:"DIRECT_PAYMENT_SERVER"`
	}
	const mend = "another server may answer there, or one with other settings: restart 'anchor serve' with these"
	switch _, err := toml.Decode(string(body), &doc); {
	case err != nil:
		return bad(check, "its stellar.toml is none", mend)
	case x.plan.SigningKey != "" && doc.SigningKey != x.plan.SigningKey:
		return bad(check, fmt.Sprintf("its stellar.toml names the SIGNING_KEY %q, ours is %s", doc.SigningKey, x.plan.SigningKey), mend)
	case doc.Passphrase != x.plan.Passphrase:
		return bad(check, fmt.Sprintf("its stellar.toml names the network %q, the settings %q", doc.Passphrase, x.plan.Passphrase), mend)
	case doc.Server != "" && !strings.HasPrefix(doc.Server, x.plan.HostURL):
		return bad(check, fmt.Sprintf("its stellar.toml sends SEP-31 to %q, not below HOST_URL", doc.Server), mend)
	}
	return good(check, "is reached, and its stellar.toml is ours")
}
