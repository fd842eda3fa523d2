package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestEvery_generated_statement_is_understood_by_both_engines(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q, err := sqlgen.Prepare(t.Context(), db.WriterPool())
		require.NoError(t, err)
		require.NoError(t, q.Close())
	})
}

func TestGenerated_code_is_that_of_the_SQL_beside_it(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for _, pattern := range []string{"sqlc.yaml", "migrations/*.sql", "queries/*.sql"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			sum.Write(content)
		}
	}
	require.Equal(t, sqlgen.InputsHash, hex.EncodeToString(sum.Sum(nil)), "run scripts/gen.sh")
}
