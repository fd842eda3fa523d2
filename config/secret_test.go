package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/anchorkit/anchor/config"
)

const (
	testSeed    = "SDJHRQF4GCMIIKAAAQ6IHY42X73FQFLHUULAPSKKD4DFDM7UXWWCRHBE"
	testAccount = "GCALNQQBXAPZ2WIRSDDBMSTAKCUH5SG6U76YBFLQLIXJTF7FE5AX7AOO"
	testJWTKey  = "0123456789abcdef0123456789abcdef"
	testMaster  = "2026:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	testDB      = "postgres://anchor:hunter2@localhost/anchor"
)

func secrets() []string { return []string{testSeed, testJWTKey, testMaster, "hunter2"} }

func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range secrets() {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, fmt.Sprintf("%x", secret))
	}
}

func TestSecret_is_never_printed(t *testing.T) {
	t.Parallel()
	s, err := config.Load(source(t.TempDir(),
		"SIGNING_SEED="+testSeed, "SERVER_JWT_KEY="+testJWTKey, "ANCHOR_MASTER_KEYS="+testMaster,
		"DATABASE_URL="+testDB, "ANCHOR_DATABASE_LISTEN_URL="+testDB))
	require.NoError(t, err)
	require.Equal(t, testSeed, s.Keys.SigningSeed.Reveal())
	master, err := s.Keys.Master()
	require.NoError(t, err)

	var printed strings.Builder
	for _, value := range []any{s, &s, s.Keys, s.Keys.SigningSeed, &s.Keys.SigningSeed, master, map[string]any{"k": s.Keys.SigningSeed}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
			_, _ = fmt.Fprintf(&printed, verb+"\n", value)
		}
		text, err := json.Marshal(value)
		require.NoError(t, err)
		printed.Write(text)
		text, err = yaml.Marshal(value)
		require.NoError(t, err)
		printed.Write(text)
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("settings", "all", s, "pointer", &s, "keys", s.Keys, "seed", s.Keys.SigningSeed, "err", fmt.Errorf("at %v", s.Keys))
	}
	requireNoSecret(t, printed.String()+log.String())
	require.Contains(t, log.String(), "seed=[secret]")
	require.Contains(t, printed.String(), `"SigningSeed":"[secret]"`)
	require.Equal(t, "[secret] [secret]", fmt.Sprintf("%v %#v", config.Secret(""), config.Secret("")), "not even its absence is told")
}

// Everything that can be wrong with a secret, and a seed in a place where it does not belong.
func TestFaults_never_repeat_a_secret(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		{"SIGNING_SEED=" + testSeed + "x"},
		{"SIGNING_SEED=" + testSeed, "SIGNING_SEED_FILE=/nowhere"},
		{"SERVER_JWT_KEY=" + testJWTKey[:20]},
		{"ANCHOR_MASTER_KEYS=" + testMaster[5:]},
		{"ANCHOR_MASTER_KEYS=" + testMaster + "," + testMaster},
		{"ANCHOR_MASTER_KEYS=" + testJWTKey + ":!!"},
		{"DATABASE_URL=mysql://anchor:hunter2@localhost/%zz"},
		{"DATABASE_URL=postgres://anchor:hunter2@local host/%zz"},
		{"ANCHOR_DATABASE_LISTEN_URL=mysql://anchor:hunter2@localhost"},
		{"ANCHOR_SENDING_ANCHORS=" + testSeed},
		{"HORIZON_URI=" + testSeed},
		{"HOST_URL=https://u:hunter2@a.example"},
		{"HORIZON_URI=https://u:hunter2@a.example"},
		{"SEP10_HOME_DOMAINS=https://u:" + testSeed},
		{"ANCHOR_LISTEN=" + testSeed, "ANCHOR_LOG_LEVEL=" + testSeed, "ANCHOR_TRUSTED_PROXIES=" + testSeed},
		{"ANCHOR_CONCURRENCY=" + testSeed},
		{"LOCAL_MODE=" + testSeed},
	} {
		s, err := config.Load(source(t.TempDir(), environ...))
		if err == nil {
			err = s.Validate(config.RoleServe, config.Supplied{})
		}
		require.Error(t, err)
		text := err.Error()
		requireNoSecret(t, text)
		require.NotContains(t, text, testJWTKey[:20])
		require.NotContains(t, text, testMaster[5:])
	}
}

func TestFaults_of_files_never_repeat_a_secret(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"keys: {signing_seed: *" + testSeed + "}",
		"keys: {signing_seed: [" + testSeed + "]}",
		"keys: {signing_seed: {" + testSeed + ": 1}}",
		"keys: {" + testSeed + ": 1}",
		testSeed + ": 1",
		testSeed,
		"keys: " + testSeed,
		"keys: {signing_seed: " + testSeed,
		"keys: {server_jwt_key: &" + testSeed + " x, signing_seed: *" + testSeed + "}",
	} {
		_, err := config.Load(source(folder(t, map[string]string{"anchor.yaml": content})))
		require.Error(t, err, content)
		requireNoSecret(t, err.Error())
	}
	for _, content := range []string{testSeed, "A B=" + testSeed, `SIGNING_SEED="` + testSeed, `SIGNING_SEED="x"` + testSeed, "A=" + testSeed + "\nA=" + testSeed} {
		_, err := config.Load(source(folder(t, map[string]string{".env": content})))
		require.Error(t, err, content)
		requireNoSecret(t, err.Error())
	}
}

func TestLoad_reads_each_secret_from_a_file(t *testing.T) {
	t.Parallel()
	for _, setting := range config.Table() {
		if !setting.Secret {
			continue
		}
		for _, ending := range []string{"", "\n", "\r\n"} {
			dir := folder(t, map[string]string{"secret": "hush" + ending})
			fromEnv, err := config.Load(source(dir, setting.FileEnv()+"=secret"))
			require.NoError(t, err)
			direct, err := config.Load(source(dir, setting.Env+"=hush"))
			require.NoError(t, err)
			require.Equal(t, direct, fromEnv, setting.Env)

			src := source(dir)
			src.Flags = map[string]string{setting.FileKey(): "secret"}
			fromFlag, err := config.Load(src)
			require.NoError(t, err)
			require.Equal(t, direct, fromFlag, setting.Env)
		}
	}
}

func TestLoad_prefers_the_later_source_whether_a_secret_stands_there_or_in_a_file(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"anchor.yaml": "keys: {signing_seed: from yaml, server_jwt_key_file: secret}\n",
		".env":        "SIGNING_SEED_FILE=secret\nANCHOR_MASTER_KEYS_FILE=missing\n",
		"secret":      "from a file\n",
	}
	s, err := config.Load(source(folder(t, files), "ANCHOR_MASTER_KEYS=from the environment"))
	require.NoError(t, err)
	require.Equal(t, "from a file", s.Keys.SigningSeed.Reveal())
	require.Equal(t, "from a file", s.Keys.ServerJWTKey.Reveal())
	require.Equal(t, "from the environment", s.Keys.MasterKeys.Reveal())
}

func TestLoad_refuses_a_secret_given_twice_or_in_a_missing_file(t *testing.T) {
	t.Parallel()
	_, err := config.Load(source(t.TempDir(), "SIGNING_SEED="+testSeed, "SIGNING_SEED_FILE=secret"))
	require.Contains(t, faultOf(t, err, "SIGNING_SEED").Problem, "given twice, by itself and by SIGNING_SEED_FILE")
	_, err = config.Load(source(t.TempDir(), "SERVER_JWT_KEY_FILE=secret"))
	require.Contains(t, faultOf(t, err, "SERVER_JWT_KEY_FILE").Problem, "no such file")
	_, err = config.Load(source(folder(t, map[string]string{"big": strings.Repeat("x", 1<<20+1)}), "SERVER_JWT_KEY_FILE=big"))
	require.Contains(t, faultOf(t, err, "SERVER_JWT_KEY_FILE").Problem, "larger than")
}

func TestLoad_refuses_a_secret_on_the_command_line(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{
		"keys.signing_seed": testSeed, "keys.server_jwt_key": testJWTKey, "keys.master_keys": testMaster,
		"database.url": testDB, "database.listen_url": "postgres://localhost/a?password=hunter2",
	} {
		src := source(t.TempDir())
		src.Flags = map[string]string{key: value}
		_, err := config.Load(src)
		require.Contains(t, faultOf(t, err, key).Mend, "_FILE", key)
		requireNoSecret(t, err.Error())
	}
	for _, address := range []string{"sqlite:other.db", "postgres://anchor@localhost/anchor"} {
		src := source(t.TempDir())
		src.Flags = map[string]string{"database.url": address}
		s, err := config.Load(src)
		require.NoError(t, err)
		require.Equal(t, address, s.Database.URL.Reveal())
	}
}

func TestMaster_takes_the_keys_apart_in_their_order(t *testing.T) {
	t.Parallel()
	older := "2025:" + strings.Repeat("A", 43) + "="
	keys, err := config.Keys{MasterKeys: config.Secret(testMaster + " , " + older)}.Master()
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.Equal(t, "2026", keys[0].ID)
	require.Equal(t, testJWTKey, keys[0].Key.Reveal())
	require.Equal(t, make([]byte, 32), []byte(keys[1].Key.Reveal()))
	for value, problem := range map[string]string{
		"":                            "is missing",
		"nocolon":                     "is not id:base64",
		"a b:" + testMaster[5:]:       "is not id:base64",
		"a:!":                         "is not base64",
		"a:AAAA":                      "is 3 bytes long, not 32",
		testMaster + ",":              "",
		testMaster + ",b":             "is not id:base64 (key 2 of 2)",
		testMaster + "," + testMaster: "has an id that was there before",
	} {
		_, err := config.Keys{MasterKeys: config.Secret(value)}.Master()
		if problem == "" {
			require.NoError(t, err, value)
			continue
		}
		require.Contains(t, faultOfOne(t, err).Problem, problem)
	}
}

func faultOfOne(t *testing.T, err error) *config.Fault {
	t.Helper()
	var fault *config.Fault
	require.ErrorAs(t, err, &fault)
	return fault
}
