package sep12_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// Whoever makes up accounts and memos cannot fill the disk.
func TestAccountsWithoutAnAgreementAreToldHowMuchTheyMayKeep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		nobody := func(context.Context, anchor.SendingAnchor) error {
			return anchor.RefuseAs(anchor.CodeForbidden, "invalid sending account")
		}
		s := newServer(t, db, customers.Strangers(nobody, customers.Quota{Accounts: 1, Customers: 1, Bytes: 3000}))
		send := func(token string, size int) answer {
			f := newForm().file(t, "file", image(size))
			require.NoError(t, f.writer.Close())
			return s.ask(http.MethodPost, "/customer/files", token, f.writer.FormDataContentType(), f.body.Bytes())
		}
		requireOver := func(status int, a answer) {
			t.Helper()
			require.Equal(t, status, a.status, a.raw)
			require.Contains(t, a.body["error"], "ask the business for one")
		}
		who := account()
		require.Equal(t, http.StatusAccepted, s.putJSON(who, `{"first_name": "Ada"}`).status)
		requireOver(http.StatusForbidden, s.putJSON(who, `{"first_name": "Ada", "memo": "1", "memo_type": "id"}`))
		requireOver(http.StatusForbidden, s.putJSON(who+":7", `{"first_name": "Ada"}`))
		requireOver(http.StatusRequestEntityTooLarge, s.putJSON(who, `{"address": "`+strings.Repeat("x", 4000)+`"}`))
		requireOver(http.StatusRequestEntityTooLarge, s.putForm(who, newForm().file(t, "photo_id_front", image(4000))))
		requireOver(http.StatusRequestEntityTooLarge, send(who, 4000))
		require.Equal(t, http.StatusOK, send(who, 1000).status)
		requireOver(http.StatusForbidden, s.putJSON(account(), `{"first_name": "Ada"}`))
		requireOver(http.StatusForbidden, send(account(), 1000))

		require.Equal(t, http.StatusOK, s.ask(http.MethodDelete, "/customer/"+who, who, "", nil).status)
		require.Equal(t, http.StatusAccepted, s.putJSON(who+":7", `{"first_name": "Ada"}`).status)
	})
}
