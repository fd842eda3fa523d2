package transactions

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// directory knows customers by owner and id.
type directory struct {
	owner string
	known *anchor.Customer
	err   error
}

func (d directory) ForTransaction(_ context.Context, owner, id, customerType string) (*anchor.Customer, error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.known == nil || owner != d.owner || id != d.known.ID {
		return nil, anchor.RefuseAs(anchor.CodeNotFound, "customer not found")
	}
	copied := *d.known
	copied.Type = customerType
	return &copied, nil
}

type statuses map[string]anchor.CustomerStatus

func typesNamed(names ...string) map[string]anchor.CustomerType {
	types := map[string]anchor.CustomerType{}
	for _, name := range names {
		types[name] = anchor.CustomerType{Description: name}
	}
	return types
}

func TestACustomer(t *testing.T) {
	t.Parallel()
	id := store.NewID()
	for name, row := range map[string]struct {
		id       string
		statuses statuses
		types    map[string]anchor.CustomerType
		role     string
		needs    *string // the type of customer_info_needed
	}{
		"that nobody asks for may be absent":        {id: "", role: ""},
		"of the only type is missing":               {types: typesNamed("s"), needs: new("s")},
		"of several types is missing":               {types: typesNamed("s", "t"), needs: new("")},
		"accepted for the only type":                {id: id, statuses: statuses{"s": "ACCEPTED"}, types: typesNamed("s"), role: "s"},
		"that still lacks information":              {id: id, statuses: statuses{"s": "NEEDS_INFO"}, types: typesNamed("s"), needs: new("s")},
		"that is being looked at":                   {id: id, statuses: statuses{"s": "PROCESSING"}, types: typesNamed("s"), needs: new("s")},
		"that was rejected":                         {id: id, statuses: statuses{"s": "REJECTED"}, types: typesNamed("s"), needs: new("s")},
		"never judged":                              {id: id, types: typesNamed("s"), needs: new("s")},
		"accepted for another type":                 {id: id, statuses: statuses{"x": "ACCEPTED"}, types: typesNamed("s"), needs: new("s")},
		"accepted for the second of two":            {id: id, statuses: statuses{"a": "NEEDS_INFO", "b": "ACCEPTED"}, types: typesNamed("a", "b"), role: "b"},
		"accepted for both of two":                  {id: id, statuses: statuses{"a": "ACCEPTED", "b": "ACCEPTED"}, types: typesNamed("a", "b"), role: "a"},
		"judged for one of two":                     {id: id, statuses: statuses{"b": "PROCESSING"}, types: typesNamed("a", "b"), needs: new("b")},
		"judged for none of two":                    {id: id, types: typesNamed("a", "b"), needs: new("")},
		"named though not asked for, and accepted":  {id: id, statuses: statuses{"": "ACCEPTED"}, role: ""},
		"named though not asked for, in some role":  {id: id, statuses: statuses{"a": "REJECTED", "b": "ACCEPTED"}, role: "b"},
		"named though not asked for, not accepted":  {id: id, statuses: statuses{"a": "PROCESSING"}, needs: new("")},
		"named though not asked for, and not known": {id: id, needs: new("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Deps{DB: &store.DB{}, Customers: directory{owner: "G", known: &anchor.Customer{ID: id, Statuses: row.statuses}}})
			c, err := s.party(t.Context(), anchor.SendingAnchor{Account: "G", MemoType: "id", Memo: "1"}, side{"sender_id", row.id, row.types}, nil)
			if row.needs != nil {
				require.Equal(t, anchor.CodeCustomerInfoNeeded, anchor.CodeOf(err))
				require.Equal(t, *row.needs, anchor.ProblemOf(err).Type)
				return
			}
			require.NoError(t, err)
			if row.id == "" {
				require.Nil(t, c.customer)
				return
			}
			require.Equal(t, row.role, c.role())
			require.False(t, c.open)
		})
	}
}

func (directory) Release(context.Context, string) error { return nil }

func TestACustomerOfAnotherSendingAnchorIsUnknown(t *testing.T) {
	t.Parallel()
	id := store.NewID()
	s := New(Deps{DB: &store.DB{}, Customers: directory{owner: "G", known: &anchor.Customer{ID: id, Statuses: statuses{"s": "ACCEPTED"}}}})
	for _, row := range []struct{ account, id string }{{"OTHER", id}, {"G", store.NewID()}, {"G", "\x00"}, {"G", "x"}} {
		_, err := s.party(t.Context(), anchor.SendingAnchor{Account: row.account}, side{"receiver_id", row.id, typesNamed("s")}, nil)
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
		require.EqualError(t, err, "receiver_id: you have no customer of this id")
	}
}

func TestAFaultWhileLookingForACustomerIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := New(Deps{DB: &store.DB{}, Customers: directory{err: errors.New("down")}})
	_, err := s.party(t.Context(), anchor.SendingAnchor{Account: "G"}, side{"sender_id", store.NewID(), nil}, nil)
	require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err))
}

func TestTheRoleThatTheBusinessChoosesMustBeAcceptedToo(t *testing.T) {
	t.Parallel()
	c := &anchor.Customer{Type: "a", Statuses: statuses{"a": "ACCEPTED", "b": "PROCESSING", "c": "ACCEPTED"}}
	p := party{customer: c}
	require.NoError(t, p.as(""))
	require.Equal(t, "a", p.role())
	err := p.as("b")
	require.Equal(t, anchor.CodeCustomerInfoNeeded, anchor.CodeOf(err))
	require.NoError(t, p.as("c"))
	require.Equal(t, "c", p.role())
	require.NoError(t, new(party).as("b"), "nobody plays no role")
}

func TestTheRoleThatTheBusinessChoosesIsTheOneThatIsAwaited(t *testing.T) {
	t.Parallel()
	awaited := party{types: []string{"a", "b"}, open: true}
	require.NoError(t, awaited.as("b"))
	require.Equal(t, []string{"b"}, awaited.types)
}

func TestKYCMayFollowTheRequest(t *testing.T) {
	t.Parallel()
	id := store.NewID()
	for name, row := range map[string]struct {
		id       string
		statuses statuses
		types    map[string]anchor.CustomerType
		open     bool
		needs    *string
	}{
		"nobody is named and KYC is asked of the side":   {types: typesNamed("s"), open: true},
		"nobody is named and nobody asked":               {},
		"who is named is being looked at":                {id: id, statuses: statuses{"s": "PROCESSING"}, types: typesNamed("s"), open: true},
		"who is named is accepted":                       {id: id, statuses: statuses{"s": "ACCEPTED"}, types: typesNamed("s")},
		"who is named has something to give: say it now": {id: id, statuses: statuses{"s": "NEEDS_INFO"}, types: typesNamed("s"), needs: new("s")},
		"who is named was rejected":                      {id: id, statuses: statuses{"s": "REJECTED"}, types: typesNamed("s"), needs: new("s")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Deps{
				DB: &store.DB{}, Options: Options{KYCAfterPost: true},
				Customers: directory{owner: "G", known: &anchor.Customer{ID: id, Statuses: row.statuses}},
			})
			p, err := s.party(t.Context(), anchor.SendingAnchor{Account: "G"}, side{"sender_id", row.id, row.types}, nil)
			if row.needs != nil {
				require.Equal(t, *row.needs, anchor.ProblemOf(err).Type)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.open, p.open)
			require.Equal(t, row.id, p.id())
		})
	}
}
