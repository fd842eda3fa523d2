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

func loadFixture(t *testing.T, path string) (config.Settings, error) {
	t.Helper()
	absolute, err := filepath.Abs(path)
	require.NoError(t, err)
	src := source(t.TempDir())
	src.File = absolute
	return config.Load(src)
}

// A bad fixture says in its first lines what is wrong with it: "# key: …", "# problem: …", "# mend: …".
func TestLoad_refuses_each_bad_file_for_what_its_name_says(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			want := expectations(t, file)
			_, err := loadFixture(t, file)
			var faults config.Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1, "%v", err)
			require.Contains(t, faults[0].Problem, want["problem"])
			require.Contains(t, faults[0].Mend, want["mend"])
			require.NotEmpty(t, faults[0].Mend)
			if key, ok := want["key"]; ok {
				require.Equal(t, key, faults[0].Key)
			}
		})
	}
}

func expectations(t *testing.T, file string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	want := map[string]string{}
	for line := range strings.SplitSeq(string(content), "\n") {
		if name, text, ok := strings.Cut(strings.TrimPrefix(line, "# "), ": "); ok && strings.HasPrefix(line, "# ") {
			want[name] = text
		}
	}
	require.NotEmpty(t, want, "%s does not say what is wrong with it", file)
	return want
}

func TestLoad_accepts_each_good_file(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/good/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			_, err := loadFixture(t, file)
			require.NoError(t, err)
		})
	}
}

func TestLoad_keeps_the_case_of_names_in_lists(t *testing.T) {
	t.Parallel()
	s, err := loadFixture(t, "testdata/good/names-keep-their-case.yaml")
	require.NoError(t, err)
	require.Equal(t, []config.Rail{{Name: "BankOne", Kind: "simulated", Outcome: "delivered", After: 90 * time.Second, File: "simulated-bank.jsonl", BatchMost: 1000, BatchEvery: time.Minute}}, s.Rails)
	rail, ok := s.RailOf("SEPA Instant")
	require.True(t, ok)
	require.Equal(t, "BankOne", rail)
	_, ok = s.RailOf("SWIFT")
	require.False(t, ok)
	require.Equal(t, config.AcceptAutomatic, s.Customers.Types[0].Accept, "the default of a key that is absent")
	require.Equal(t, config.AcceptOperator, s.Customers.Types[1].Accept)
	require.Equal(t, []config.CustomerField{{Name: "organization.VAT_number", Type: "string", Optional: true}}, s.Customers.Types[0].Fields)
}

func TestLoad_takes_values_as_they_are_written(t *testing.T) {
	t.Parallel()
	s, err := loadFixture(t, "testdata/good/a-number-written-as-text-stays-as-it-is.yaml")
	require.NoError(t, err)
	require.Equal(t, "007", s.Documentation.OrgLicenseNumber)
	require.Equal(t, "yes", s.Documentation.OrgName)
	s, err = loadFixture(t, "testdata/good/lists-as-sequence-and-as-text.yaml")
	require.NoError(t, err)
	require.Equal(t, []string{"sep-1", "sep-10", "sep-12", "sep-31"}, s.Server.ActiveSEPs)
	require.Len(t, s.SEP31.SendingAnchors, 1)
	s, err = loadFixture(t, "testdata/good/sections-without-values.yaml")
	require.NoError(t, err)
	require.Len(t, s.Customers.Types, 2, "a key without a value leaves the default")
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml", "../anchor.yaml.example"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(content)
		}
	}
	f.Add([]byte("business: {a: {? [x] : y}}"))
	f.Add([]byte("server: {host_url: !!int abc}\nrails: [{after: !!null 2s}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		src := source(t.TempDir())
		src.File = filepath.Join(src.Dir, "a.yaml")
		require.NoError(t, os.WriteFile(src.File, content, 0o600))
		s, err := config.Load(src)
		if err != nil {
			var faults config.Faults
			require.ErrorAs(t, err, &faults)
			require.NotEmpty(t, err.Error())
			return
		}
		_ = s.Validate(config.RoleRun, config.Supplied{})
		var business map[string]any
		_ = s.Business("", &business)
	})
}
