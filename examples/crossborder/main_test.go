package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// host gives setup a business section.
func host(settings bankSettings, log io.Writer) anchor.Host {
	return anchor.Host{Log: slog.New(slog.NewTextHandler(log, nil)), Setting: func(key string, into any) error {
		s, ok := into.(*bankSettings)
		if key != "bank" || !ok {
			return errors.New("asked for something else")
		}
		*s = settings
		return nil
	}}
}

func TestSetup_brings_receiver_customers_and_the_rail(t *testing.T) {
	t.Setenv(sendingAnchorsVariable, friend)
	business, err := setup(t.Context(), host(testSettings(t), io.Discard))
	require.NoError(t, err)
	require.NotNil(t, business.Customers)
	require.Contains(t, business.Rails, "bank")
	admitted, err := business.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: friend})
	require.NoError(t, err)
	require.True(t, admitted)
}

func TestSetup_fails_on_settings_that_cannot_work(t *testing.T) {
	t.Setenv(sendingAnchorsVariable, "somebody")
	_, err := setup(t.Context(), host(testSettings(t), io.Discard))
	require.ErrorContains(t, err, sendingAnchorsVariable)

	t.Setenv(sendingAnchorsVariable, "")
	_, err = setup(t.Context(), host(bankSettings{}, io.Discard))
	require.ErrorContains(t, err, "ledger")
}

func TestSetup_warns_when_nobody_is_admitted(t *testing.T) {
	t.Setenv(sendingAnchorsVariable, " ")
	var log bytes.Buffer
	business, err := setup(t.Context(), host(testSettings(t), &log))
	require.NoError(t, err)
	require.Contains(t, log.String(), sendingAnchorsVariable)
	admitted, err := business.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: friend})
	require.NoError(t, err)
	require.False(t, admitted)
}
