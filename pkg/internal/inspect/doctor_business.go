package inspect

import "context"

// BusinessPart is one part of what the business' own server is asked about.
type BusinessPart struct {
	Name string
	// Ask asks something that changes nothing. Its error must repeat no secret and nothing of what people gave.
	Ask func(ctx context.Context) error
}

// business are the probes of the business' own server, one a part: each may be served by another program.
func (x *examination) business() []probe {
	var probes []probe
	for _, part := range x.plan.Business {
		check := "business' server, " + part.Name
		probes = append(probes, probe{check, func(ctx context.Context) []Finding {
			if err := part.Ask(ctx); err != nil {
				return []Finding{bad(check, err.Error(),
					"is it running at remote.url, with one of remote.keys, and is its clock right? docs/remote-integration.md says what it must answer")}
			}
			return []Finding{good(check, "answers, signed with a key that we share")}
		}})
	}
	return probes
}
