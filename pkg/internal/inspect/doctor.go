package inspect

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Finding is one line of an examination.
type Finding struct {
	Check string `json:"check"` // what was looked at
	OK    bool   `json:"ok"`
	Text  string `json:"text"`           // what was found
	Mend  string `json:"mend,omitempty"` // what to do; empty where it is ok
}

// Plan says what to examine. What is empty is not examined.
type Plan struct {
	// Settings are what the caller found out about the settings.
	Settings []Finding
	// OpenDatabase opens the database whatever its schema is. It must end soon after its context.
	OpenDatabase func(ctx context.Context) (*store.DB, error)
	// DatabaseFile is the file of an SQLite database; empty for others.
	DatabaseFile string
	Horizons     []NetworkAddress
	RPC          *NetworkAddress // of the Stellar RPC, where payments are read from it; nil: they are read from a Horizon
	Passphrase   string
	// HostURL is where the sending anchors reach us; SigningKey is the G… address that its stellar.toml must name.
	HostURL, SigningKey string
	Admission           Admission
	Business            []BusinessPart // of the business' own server; none where there is no such server
	// RemoteSigner tells that a remote signer is set; SendsBack whether a policy sends payments in an asset back by itself.
	RemoteSigner bool
	SendsBack    func(code, issuer string) bool
	// Terms are what the settings let rails be asked to do, by name.
	Terms map[string]RailTerms
	// Timeout bounds each check; zero: 10 s.
	Timeout time.Duration
	// Now is the clock of this host; nil: that of the system.
	Now func() time.Time
}

// NetworkAddress is where one server of the network is. Both may hold keys.
type NetworkAddress struct {
	URL    string
	Header http.Header
}

// Admission is who may send.
type Admission struct {
	Listed     int  // accounts on the list
	Everybody  bool // an empty list admits all
	ByBusiness bool // code of the business decides
}

// Examine looks at everything at once and returns what it found, in a fixed order. It ends in a small multiple of the
// timeout whatever does not answer, and repeats no secret of the plan.
func Examine(ctx context.Context, p Plan) []Finding {
	if p.Timeout <= 0 {
		p.Timeout = 10 * time.Second
	}
	if p.Now == nil {
		p.Now = systemClock
	}
	x := &examination{plan: p, observed: make([]observed, len(p.Horizons))}
	x.atOnce(ctx, append([]probe{
		{"database", x.database}, {"HOST_URL", x.host}, {"disk", x.disk},
	}, slices.Concat(x.horizons(), x.rpc(), x.business())...))
	if o, ok := x.opened(); ok {
		defer func() { _ = o.db.Close() }() // nothing was written
		x.atOnce(ctx, append([]probe{{"roles", func(ctx context.Context) []Finding { return x.roles(ctx, o) }}}, x.accounts(o)...))
	}
	return x.inOrder()
}

// examination is one run of Examine.
type examination struct {
	plan Plan

	mu       sync.Mutex
	found    map[string][]Finding
	order    []string
	books    books
	observed []observed    // by Horizon
	reader   *stellar.Root // of the Stellar RPC that payments are read from
}

// probe is one check that can take its time.
type probe struct {
	name string
	look func(ctx context.Context) []Finding
}

// atOnce runs probes side by side, each within its timeout; one that does not return even then is left behind.
func (x *examination) atOnce(ctx context.Context, probes []probe) {
	var group sync.WaitGroup
	x.mu.Lock()
	for _, p := range probes {
		x.order = append(x.order, p.name)
	}
	x.mu.Unlock()
	for _, p := range probes {
		group.Go(func() { x.keep(p.name, x.run(ctx, p)) })
	}
	group.Wait()
}

func (x *examination) run(ctx context.Context, p probe) []Finding {
	ctx, cancel := context.WithTimeout(ctx, x.plan.Timeout)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() { done <- p.look(ctx) }()
	const grace = time.Second // for what notices its context a little late
	last := time.NewTimer(x.plan.Timeout + grace)
	defer last.Stop()
	select {
	case found := <-done:
		return found
	case <-last.C:
		return []Finding{bad(p.name, fmt.Sprintf("did not answer within %s", x.plan.Timeout), "look whether it hangs")}
	}
}

func (x *examination) keep(name string, found []Finding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.found == nil {
		x.found = map[string][]Finding{}
	}
	x.found[name] = found
}

func (x *examination) inOrder() []Finding {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := append([]Finding{}, x.plan.Settings...)
	for _, name := range x.order {
		list = append(list, x.found[name]...)
	}
	return append(list, x.plan.Admission.finding()...)
}

func (a Admission) finding() []Finding {
	const check = "sending anchors"
	switch {
	case a.ByBusiness:
		return []Finding{good(check, fmt.Sprintf("the business decides who may send (%d on the list)", a.Listed))}
	case a.Listed > 0:
		return []Finding{good(check, fmt.Sprintf("%d on the list", a.Listed))}
	case a.Everybody:
		return []Finding{good(check, "everybody may send, because of LOCAL_MODE and an empty list")}
	default:
		return []Finding{bad(check, "nobody may send: the list is empty", "name the accounts of your sending anchors in ANCHOR_SENDING_ANCHORS")}
	}
}

func good(check, text string) Finding { return Finding{Check: check, OK: true, Text: text} }

func bad(check, text, mend string) Finding { return Finding{Check: check, Text: text, Mend: mend} }
