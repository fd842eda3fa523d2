package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/anchorkit/anchor/config"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

const example = "../anchor.yaml.example"

func TestDocs_settings_md_is_made_from_the_table(t *testing.T) {
	t.Parallel()
	const path = "../docs/settings.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(config.Manual()), 0o644))
	}
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, config.Manual(), string(written), "run: go test ./config -run Docs -update")
}

func TestTable_is_complete_and_says_each_thing_once(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, setting := range config.Table() {
		require.Regexp(t, `^[a-z0-9]+\.[a-z0-9_]+$`, setting.Key)
		require.Regexp(t, `^[A-Z][A-Z0-9_]+$`, setting.Env)
		require.NotEmpty(t, setting.Meaning, setting.Key)
		require.NotEmpty(t, setting.Mend, setting.Key)
		for _, name := range []string{setting.Key, setting.Env, setting.FileKey(), setting.FileEnv()} {
			require.False(t, name != "" && seen[name], name)
			seen[name] = true
		}
	}
	for _, ours := range []string{"SIGNING_SEED", "SERVER_JWT_KEY", "ANCHOR_MASTER_KEYS", "DATABASE_URL", "ANCHOR_DATABASE_LISTEN_URL"} {
		require.True(t, seen[ours+"_FILE"], ours)
	}
}

func exampleText(t *testing.T, all bool) string {
	t.Helper()
	content, err := os.ReadFile(example)
	require.NoError(t, err)
	if !all {
		return string(content)
	}
	// A "#" directly before a key or a list item is a setting; one followed by a space is prose, save inside a list
	// that is commented as a whole.
	return regexp.MustCompile(`(?m)^( *)#([a-z]|  +[-a-z])`).ReplaceAllString(string(content), "$1$2")
}

func exampleEnviron() []string {
	return []string{"SIGNING_SEED=" + testSeed, "SERVER_JWT_KEY=" + testJWTKey, "ANCHOR_MASTER_KEYS=" + testMaster,
		"ANCHOR_REMOTE_URL=https://payouts.example.com", "ANCHOR_REMOTE_KEYS=" + testMaster,
	}
}

func TestExample_loads_and_is_valid_for_every_role(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		text := exampleText(t, all)
		if all { // what an empty secret in the file hides, the environment gives
			require.NotEqual(t, exampleText(t, false), text)
		}
		s, err := config.Load(source(folder(t, map[string]string{"anchor.yaml": text}), exampleEnviron()...))
		require.NoError(t, err)
		for _, role := range []config.Role{
			config.RoleServe, config.RoleWatch, config.RoleExecute, config.RolePoll, config.RoleRun,
			config.RoleMigrate, config.RoleAssets, config.RoleOperate,
		} {
			require.NoError(t, s.Validate(role, config.Supplied{}), role)
		}
	}
}

// Load refuses keys that the table does not know; here is the other direction.
func TestExample_has_every_key_that_there_is(t *testing.T) {
	t.Parallel()
	var root map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(exampleText(t, true)), &root))
	has := map[string]bool{}
	collect("", root, has)
	for _, setting := range config.Table() {
		require.True(t, has[setting.Key], "%s is not in %s", setting.Key, filepath.Base(example))
	}
	listKey := regexp.MustCompile("(?m)^### (.*)$|^\\| `([a-z_.\\[\\]]+)` \\| [a-z ]+ \\| [^|]+ \\| [^|]+ \\|$")
	list := ""
	found := 0
	for _, match := range listKey.FindAllStringSubmatch(config.Manual(), -1) {
		if match[1] != "" {
			list = match[1]
			continue
		}
		found++
		require.True(t, has[list+"[]."+match[2]], "%s[].%s is not in %s", list, match[2], filepath.Base(example))
	}
	require.Greater(t, found, 20)
}

func collect(path string, node any, has map[string]bool) {
	has[path] = true
	switch node := node.(type) {
	case map[string]any:
		for name, child := range node {
			collect(strings.TrimPrefix(path+"."+name, "."), child, has)
		}
	case []any:
		for _, child := range node {
			collect(path+"[]", child, has)
		}
	}
}

// A commented setting of the example shows its default, where it has one.
func TestExample_shows_the_defaults(t *testing.T) {
	t.Parallel()
	commented := regexp.MustCompile(`(?m)^(?:([a-z0-9]+):|  #([a-z0-9_]+): (.*))$`)
	defaults := map[string]string{}
	for _, setting := range config.Table() {
		defaults[setting.Key] = setting.Default
	}
	section := ""
	for _, match := range commented.FindAllStringSubmatch(exampleText(t, false), -1) {
		if match[1] != "" {
			section = match[1]
			continue
		}
		if want := defaults[section+"."+match[2]]; want != "" {
			shown := strings.ReplaceAll(strings.Trim(match[3], "[]"), ", ", ",")
			require.Equal(t, want, shown, section+"."+match[2])
		}
	}
}
