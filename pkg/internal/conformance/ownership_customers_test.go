package conformance_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/sender"
)

func TestAnotherSendingAnchor_learns_of_a_customer_neither_by_id_nor_by_transaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, other := w.party(), w.party()
		who := owner.people()
		id := owner.agreed(who).text("id")
		for _, attack := range []func(customer, transaction string) reply{
			func(customer, _ string) reply { return other.get("/kyc/customer?id=" + customer) },
			func(customer, _ string) reply { return other.get("/kyc/customer?type=sep31-receiver&id=" + customer) },
			func(_, transaction string) reply {
				return other.get("/kyc/customer?type=sep31-receiver&transaction_id=" + transaction)
			},
			func(customer, transaction string) reply {
				return other.get("/kyc/customer?type=sep31-receiver&id=" + customer + "&transaction_id=" + transaction)
			},
		} {
			a := attack(who.receiver, id)
			requireRefused(t, a, http.StatusNotFound, http.StatusBadRequest)
			requireSameAs(t, attack(nowhere(), nowhere()), a)
		}
		same := other.get("/kyc/customer?type=sep31-receiver&memo=2&memo_type=id")
		require.Equal(t, "NEEDS_INFO", same.text("status"), "the same memo of another account is somebody else")
		require.Empty(t, same.text("id"))
		requireRefused(t, other.get("/kyc/customer?account="+owner.account.Address()), http.StatusForbidden, http.StatusBadRequest)
	})
}

func TestAnotherSendingAnchor_cannot_change_delete_or_use_a_customer(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, other := w.party(), w.party()
		who := owner.people()
		theft := map[string]any{"bank_account_number": "STOLEN"}
		for _, attack := range []func(id string) reply{
			func(id string) reply { return other.put("/kyc/customer", with(theft, "id", id)) },
			func(id string) reply {
				return other.put("/kyc/customer", with(with(theft, "id", id), "type", "sep31-receiver"))
			},
			func(id string) reply {
				return other.put("/kyc/customer/verification", map[string]any{"id": id, "bank_account_number_verification": "1"})
			},
			func(id string) reply {
				return other.put("/kyc/customer/callback", map[string]any{"id": id, "url": other.home + "/callback"})
			},
			func(id string) reply {
				return other.post("/sep31/transactions", agreement(people{other.registered("1", senderFields()), id}))
			},
			func(id string) reply {
				return other.post("/sep31/transactions", agreement(people{id, other.registered("2", receiverFields())}))
			},
		} {
			a := attack(who.receiver)
			requireRefused(t, a, http.StatusNotFound, http.StatusBadRequest)
			requireSameAs(t, attack(nowhere()), a)
		}
		address := owner.account.Address()
		requireRefused(t, other.put("/kyc/customer", with(theft, "account", address)), http.StatusForbidden, http.StatusBadRequest)
		for _, memo := range []map[string]any{{}, {"memo": "2", "memo_type": "id"}} {
			requireRefused(t, other.send(http.MethodDelete, "/kyc/customer/"+address, memo), http.StatusNotFound, http.StatusForbidden)
		}
		require.Equal(t, "ACCEPTED", owner.get("/kyc/customer?type=sep31-receiver&id="+who.receiver).text("status"))
		owner.agreed(who)
	})
}

// recorder is a bank that remembers where it was told to pay.
type recorder chan anchor.Payout

func (r recorder) ExecuteOutgoing(_ context.Context, p anchor.Payout) (anchor.Outcome, error) {
	r <- p
	return anchor.Delivered("paid-" + string(p.Key)), nil
}

func (r recorder) PollOutgoing(context.Context, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return nil, nil
}

func TestAnotherSendingAnchor_cannot_redirect_a_payout(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			bank := make(recorder, 1)
			w := newWorld(t, engine, plan{rail: bank})
			owner, other := w.party(), w.party()
			who := owner.people()
			agreed := owner.agreed(who)
			for _, memo := range []string{"", "2"} {
				other.put("/kyc/customer", map[string]any{"id": who.receiver, "bank_account_number": "STOLEN"})
				other.put("/kyc/customer", map[string]any{
					"account": owner.account.Address(), "memo": memo, "transaction_id": agreed.text("id"), "type": "sep31-receiver",
					"bank_account_number": "STOLEN",
				})
			}
			w.pay(owner, agreed)
			select {
			case paid := <-bank:
				require.Equal(t, agreed.text("id"), paid.TransactionID)
				require.Equal(t, bankAccount, paid.Receiver.Value("bank_account_number"))
			case <-time.After(time.Minute):
				require.Fail(t, "the recipient was not paid")
			}
		})
	}
}

// pay pays a transaction of 100 on the network.
func (w *world) pay(by party, agreed reply) {
	w.Helper()
	s, err := sender.New(w.Context(), sender.Options{
		Home: w.home, Horizon: w.horizon, Passphrase: w.network.Passphrase(), Account: by.account, AssetCode: assetCode,
	})
	require.NoError(w, err)
	require.NoError(w, s.SetUp(w.Context(), w.issuer, "1000"))
	require.NoError(w, s.Pay(w.Context(), sender.State{
		ID: agreed.text("id"), Account: agreed.text("stellar_account_id"), MemoType: agreed.text("stellar_memo_type"),
		Memo: agreed.text("stellar_memo"),
	}, "100"))
}

func TestUsers_of_one_custodian_do_not_share_customers(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for name, user := range map[string]func(account *keypair.Full, id uint64) party{
			"by memo": func(account *keypair.Full, id uint64) party {
				return w.user(account, map[uint64]string{7: "7", 8: "8"}[id])
			},
			"muxed": w.muxed,
		} {
			t.Run(name, func(t *testing.T) {
				custodian := keypair.MustRandom()
				one, two := user(custodian, 7), user(custodian, 8)
				id := one.mustPut(receiverFields())
				require.Equal(t, id, one.get("/kyc/customer?type=sep31-receiver").text("id"))

				unknown := two.get("/kyc/customer?type=sep31-receiver")
				require.Equal(t, "NEEDS_INFO", unknown.text("status"))
				require.Empty(t, unknown.text("id"))
				requireRefused(t, two.get("/kyc/customer?id="+id), http.StatusNotFound)
				requireRefused(t, two.put("/kyc/customer", map[string]any{"id": id, "bank_account_number": "STOLEN"}), http.StatusNotFound)
				requireRefused(t, two.put("/kyc/customer", map[string]any{
					"memo": "7", "memo_type": "id", "bank_account_number": "STOLEN",
				}), http.StatusForbidden, http.StatusBadRequest)
				requireRefused(t, two.send(http.MethodDelete, "/kyc/customer/"+custodian.Address(), map[string]any{}), http.StatusNotFound)
				require.NotEqual(t, id, two.mustPut(receiverFields()))
			})
		}
	})
}

func TestAnotherSendingAnchor_cannot_put_its_people_into_a_transaction_that_waits_for_some(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, other := w.party(), w.party()
		body := agreement(people{})
		delete(body, "sender_id")
		delete(body, "receiver_id")
		agreed := owner.post("/sep31/transactions", body)
		require.Equal(t, http.StatusCreated, agreed.status, string(agreed.body))
		id := agreed.text("id")
		require.Empty(t, agreed.text("stellar_memo"), "it waits")
		before := owner.get("/sep31/transactions/" + id)

		for _, fields := range []map[string]any{senderFields(), receiverFields()} {
			attack := func(transaction string) reply {
				return other.put("/kyc/customer", with(fields, "transaction_id", transaction))
			}
			a := attack(id)
			requireRefused(t, a, http.StatusNotFound, http.StatusBadRequest)
			requireSameAs(t, attack(nowhere()), a)
		}
		require.Equal(t, string(before.body), string(owner.get("/sep31/transactions/"+id).body))

		owner.registered("1", with(senderFields(), "transaction_id", id))
		owner.registered("2", with(receiverFields(), "transaction_id", id))
		shown := owner.get("/sep31/transactions/" + id).object()["transaction"].(map[string]any)
		require.Equal(t, "pending_sender", shown["status"], "its owner can")
		require.NotEmpty(t, shown["stellar_memo"])
	})
}

func TestAnotherSendingAnchor_can_neither_see_nor_take_a_file(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, other := w.party(), w.party()
		file := owner.upload()
		mine := other.registered("2", receiverFields())
		for _, attack := range []func(id string) reply{
			func(id string) reply { return other.get("/kyc/customer/files?file_id=" + id) },
			func(id string) reply {
				return other.put("/kyc/customer", map[string]any{"id": mine, "photo_id_front_file_id": id})
			},
		} {
			requireSameAs(t, attack(nowhere()), attack(file))
		}
		require.NotContains(t, string(other.get("/kyc/customer/files?file_id="+file).body), file)
		theirs := owner.registered("2", with(receiverFields(), "photo_id_front_file_id", file))
		require.NotContains(t, string(other.get("/kyc/customer/files?customer_id="+theirs).body), file)
		require.Contains(t, string(owner.get("/kyc/customer/files?customer_id="+theirs).body), file, "its owner can")
	})
}

// upload sends a picture ahead and returns the id of the file.
func (p party) upload() string {
	p.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "passport.png")
	require.NoError(p, err)
	require.NoError(p, png.Encode(part, image.NewGray(image.Rect(0, 0, 8, 8))))
	require.NoError(p, form.Close())
	a := p.ask(http.MethodPost, "/kyc/customer/files", form.FormDataContentType(), body.Bytes())
	require.Equal(p, http.StatusOK, a.status, string(a.body))
	return a.text("file_id")
}
