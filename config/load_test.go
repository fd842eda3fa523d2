package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

// folder makes a directory with these files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

// source reads from a folder alone: neither the environment of the test nor its directory count.
func source(dir string, environ ...string) config.Source {
	return config.Source{
		Dir: dir, Environ: append([]string{}, environ...),
		Setenv: func(string, string) error { return nil },
	}
}

// faultOf finds the fault of a key or of a variable.
func faultOf(t *testing.T, err error, key string) *config.Fault {
	t.Helper()
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	for _, fault := range faults {
		if fault.Key == key || key != "" && fault.Env == key {
			return fault
		}
	}
	require.Failf(t, "no such fault", "want one of %q, got: %v", key, err)
	return nil
}

func TestLoad_without_anything_gives_the_defaults(t *testing.T) {
	t.Parallel()
	s, err := config.Load(source(t.TempDir()))
	require.NoError(t, err)
	require.Equal(t, []string{"sep-1", "sep-10", "sep-12", "sep-31"}, s.Server.ActiveSEPs)
	require.True(t, s.Server.SEP23)
	require.False(t, s.Server.LocalMode)
	require.Equal(t, []string{"https://horizon-testnet.stellar.org"}, s.Network.HorizonURIs)
	require.Equal(t, "Test SDF Network ; September 2015", s.Network.Passphrase)
	require.Equal(t, "sqlite:anchor.db", s.Database.URL.Reveal())
	require.Equal(t, 3*time.Second, s.Callbacks.RequestTimeout)
	require.Equal(t, 24*time.Hour, s.SEP31.TransactionLifetime)
	require.Equal(t, 2*time.Minute, s.Workers.Lease)
	require.Len(t, s.Customers.Types, 2)
	require.Equal(t, "sep31-sender", s.Customers.Types[0].Name)
	require.Empty(t, s.Rails)
}

func TestLoad_lets_the_later_source_win(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"anchor.yaml": "log: {level: warn, format: json}\nworkers: {interval: 1s, concurrency: 2}\n",
		".env":        "ANCHOR_LOG_FORMAT=text\nANCHOR_INTERVAL=2s\nANCHOR_CONCURRENCY=3\n",
	})
	src := source(dir, "ANCHOR_INTERVAL=3s", "ANCHOR_CONCURRENCY=4")
	src.Flags = map[string]string{"workers.concurrency": "5"}
	s, err := config.Load(src)
	require.NoError(t, err)
	require.Equal(t, "warn", s.Log.Level, "anchor.yaml over the default")
	require.Equal(t, "text", s.Log.Format, ".env over anchor.yaml")
	require.Equal(t, 3*time.Second, s.Workers.Interval, "the environment over .env")
	require.Equal(t, 5, s.Workers.Concurrency, "the command line over the environment")
}

// Every variable reaches its setting: the table would otherwise promise what is not read.
func TestLoad_reads_every_setting_from_its_variable(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"text": "a text", "whole number": "77", "duration": "77m", "duration or seconds": "77", "list": "a, b", "secret": "hush",
	}
	untouched, err := config.Load(source(t.TempDir()))
	require.NoError(t, err)
	for _, setting := range config.Table() {
		value := values[setting.Type]
		if setting.Type == "yes or no" {
			value = map[string]string{"1": "false", "0": "true"}[setting.Default]
		}
		dir := folder(t, map[string]string{"a.yaml": yamlOf(setting.Key, value)})
		s, err := config.Load(source(dir, setting.Env+"="+value))
		require.NoError(t, err, setting.Env)
		require.NotEqual(t, untouched, s, setting.Env)

		src := source(dir)
		src.File = filepath.Join(dir, "a.yaml")
		fromFile, err := config.Load(src)
		require.NoError(t, err, setting.Key)
		require.Equal(t, s, fromFile, setting.Key)
	}
}

func yamlOf(key, value string) string {
	section, name, _ := strings.Cut(key, ".")
	return section + ":\n  " + name + ": " + value + "\n"
}

func TestLoad_takes_the_variables_of_Polaris_as_they_are(t *testing.T) {
	t.Parallel()
	s, err := config.Load(source(t.TempDir(),
		"ACTIVE_SEPS=sep-1,sep-10, SEP-12,sep-31", "HOST_URL=http://localhost:8000/", "LOCAL_MODE=1", "ENABLE_SEP_0023=0",
		"CALLBACK_REQUEST_TIMEOUT=5", "SEP10_CLIENT_ATTRIBUTION_REQUEST_TIMEOUT=7", "MAX_TRANSACTION_FEE_STROOPS=200",
		"CALLBACK_REQUEST_DOMAIN_DENYLIST=a.example, b.example,", "DATABASE_URL=sqlite:///data/db.sqlite3",
	))
	require.NoError(t, err)
	require.Equal(t, []string{"sep-1", "sep-10", "sep-12", "sep-31"}, s.Server.ActiveSEPs)
	require.Equal(t, "http://localhost:8000", s.Server.HostURL)
	require.True(t, s.Server.LocalMode)
	require.False(t, s.Server.SEP23)
	require.Equal(t, 5*time.Second, s.Callbacks.RequestTimeout)
	require.Equal(t, 7*time.Second, s.SEP10.AttributionRequestTimeout)
	require.Equal(t, 200, s.Network.MaxFeeStroops)
	require.Equal(t, []string{"a.example", "b.example"}, s.Callbacks.DomainDenylist)
	require.Equal(t, "sqlite:data/db.sqlite3", s.Database.URL.Reveal())
}

func TestLoad_derives_addresses_from_HOST_URL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ host, listen, domain string }{
		{"https://anchor.example.com", "127.0.0.1:8000", "anchor.example.com"},
		{"http://localhost:8123", "127.0.0.1:8123", "localhost:8123"},
		{"http://[::1]:9", "127.0.0.1:9", "[::1]:9"},
	} {
		s, err := config.Load(source(t.TempDir(), "HOST_URL="+c.host))
		require.NoError(t, err)
		require.Equal(t, c.listen, s.Server.Listen)
		require.Equal(t, []string{c.domain}, s.SEP10.HomeDomains)
	}
	s, err := config.Load(source(t.TempDir(), "HOST_URL=https://a.example", "ANCHOR_LISTEN=0.0.0.0:1", "SEP10_HOME_DOMAINS=b.example"))
	require.NoError(t, err)
	require.Equal(t, "0.0.0.0:1", s.Server.Listen)
	require.Equal(t, []string{"b.example"}, s.SEP10.HomeDomains)
}

func TestLoad_reports_all_faults_together(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"anchor.yaml": "nonsense: 1\nrails: [{bogus: 1}]\n", ".env": "not a line\n"})
	src := source(dir, "ANCHOR_CONCURRENCY=many", "LOCAL_MODE=maybe")
	src.Flags = map[string]string{"nosuch": "1"}
	_, err := config.Load(src)
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 6)
	for _, key := range []string{"nonsense", "rails[0].bogus", ".env line 1", "ANCHOR_CONCURRENCY", "LOCAL_MODE", "nosuch"} {
		require.NotEmpty(t, faultOf(t, err, key).Mend, key)
	}
	require.Contains(t, err.Error(), "ANCHOR_CONCURRENCY (workers.concurrency) is \"many\", which is not a whole number (the environment); ")
}

func TestLoad_says_when_a_named_file_is_missing(t *testing.T) {
	t.Parallel()
	src := source(t.TempDir())
	src.File, src.EnvFile = "other.yaml", "other.env"
	_, err := config.Load(src)
	require.Contains(t, faultOf(t, err, "other.yaml").Problem, "no such file")
	require.Contains(t, faultOf(t, err, "other.env").Problem, "no such file")
}

func TestLoad_refuses_values_that_it_cannot_read(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ entry, problem string }{
		{"LOCAL_MODE=yes", "neither 1, 0, true nor false"},
		{"LOCAL_MODE=", "neither 1, 0, true nor false"},
		{"ENABLE_SEP_0023=TRUE", "neither 1, 0, true nor false"},
		{"MAX_TRANSACTION_FEE_STROOPS=1e3", "not a whole number"},
		{"MAX_TRANSACTION_FEE_STROOPS=99999999999999999999", "not a whole number"},
		{"ANCHOR_CONCURRENCY=", "not a whole number"},
		{"ANCHOR_LEASE=120", "not a duration"},
		{"CALLBACK_REQUEST_TIMEOUT=3.5", "not a duration"},
		{"CALLBACK_REQUEST_TIMEOUT=-1", "not a duration"},
		{"CALLBACK_REQUEST_TIMEOUT=9223372036854775807", "not a duration"},
		{"ANCHOR_INTERVAL=soon", "not a duration"},
	} {
		name, _, _ := strings.Cut(c.entry, "=")
		_, err := config.Load(source(t.TempDir(), c.entry))
		fault := faultOf(t, err, name)
		require.Contains(t, fault.Problem, c.problem, c.entry)
		require.NotEmpty(t, fault.Mend, c.entry)
		require.Contains(t, fault.Error(), name)
	}
}

func TestLoad_names_a_misspelt_variable_of_ours_and_leaves_others_alone(t *testing.T) {
	t.Parallel()
	_, err := config.Load(source(t.TempDir(), "ANCHOR_SENDING_ANCHOR=G", "ANCHOR_SOMETHING_ELSE=1", "BANK_URL=x"))
	require.Equal(t, "did you mean ANCHOR_SENDING_ANCHORS?", faultOf(t, err, "ANCHOR_SENDING_ANCHOR").Mend)
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 1)
}

func TestLoad_puts_dotenv_into_the_environment_without_overriding(t *testing.T) {
	t.Parallel()
	set := map[string]string{}
	src := source(folder(t, map[string]string{".env": "BANK_TOKEN=theirs\nHOST_URL=https://file.example\n"}), "HOST_URL=https://env.example")
	src.Setenv = func(name, value string) error { set[name] = value; return nil }
	s, err := config.Load(src)
	require.NoError(t, err)
	require.Equal(t, "https://env.example", s.Server.HostURL)
	require.Equal(t, map[string]string{"BANK_TOKEN": "theirs"}, set)
}

func TestLoad_touches_no_variable_when_something_is_wrong(t *testing.T) {
	t.Parallel()
	src := source(folder(t, map[string]string{".env": "BANK_TOKEN=theirs\nLOCAL_MODE=maybe\n"}))
	src.Setenv = func(name, _ string) error { require.Fail(t, "set "+name); return nil }
	_, err := config.Load(src)
	require.Error(t, err)
}
