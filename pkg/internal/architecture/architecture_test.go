package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the top of the module, seen from this folder.
const root = "../../.."

func TestImports_keep_to_the_layers(t *testing.T) {
	t.Parallel()
	for _, fault := range faults(listPackages(t)) {
		t.Error(fault)
	}
}

func TestSources_have_no_init_no_state_at_package_level_and_a_readable_length(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		for _, name := range p.GoFiles {
			source, err := os.ReadFile(filepath.Join(p.Dir, name))
			require.NoError(t, err)
			for _, fault := range sourceFaults(filepath.Join(p.path(), name), source) {
				t.Error(fault)
			}
		}
	}
}

// listPackages asks the go command for the packages of the module. -e: what does not build is the compiler's to tell.
func listPackages(t *testing.T) []Package {
	t.Helper()
	touchSources(t)
	list := exec.CommandContext(t.Context(), "go", "list", "-e",
		"-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	list.Dir = root
	var complaint bytes.Buffer
	list.Stderr = &complaint
	output, err := list.Output()
	require.NoError(t, err, complaint.String())

	var packages []Package
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p Package
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
	require.NotEmpty(t, packages)
	return packages
}

// touchSources looks at every folder and Go file. What go list reads is unknown to the cache of go test, which would
// repeat an old verdict; what this process reads is known to it.
func touchSources(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			_, err = os.ReadFile(path)
		}
		return err
	}))
}
