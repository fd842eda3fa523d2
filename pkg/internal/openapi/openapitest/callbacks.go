package openapitest

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// Callback fails the test unless a message that the anchor sent is as the document has it. operation is its operationId:
// transactionChanged or customerChanged.
func Callback(t testing.TB, operation string, header http.Header, body []byte) {
	t.Helper()
	document, err := loaded()
	require.NoError(t, err)
	if err := checkCallback(document, operation, header, body); err != nil {
		t.Errorf("the callback %s is not as the document has it: %v\nbody: %s", operation, err, short(body))
	}
}

func checkCallback(document *openapi3.T, operation string, header http.Header, body []byte) error {
	described := callbackOf(document, operation)
	if described == nil {
		return errors.New("there is no such callback")
	}
	r := &request{header: header}
	for _, p := range described.Parameters {
		if err := checkParameter(p.Value, r); err != nil {
			return fmt.Errorf("%s: %w", p.Value.Name, err)
		}
	}
	r.body.Write(body)
	return checkBody(described.RequestBody.Value, r)
}

func callbackOf(document *openapi3.T, operation string) *openapi3.Operation {
	for _, path := range document.Paths.Map() {
		for _, o := range path.Operations() {
			for _, callback := range o.Callbacks {
				for _, item := range callback.Value.Map() {
					if item.Post != nil && item.Post.OperationID == operation {
						return item.Post
					}
				}
			}
		}
	}
	return nil
}
