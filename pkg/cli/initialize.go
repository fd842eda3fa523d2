package cli

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/stellar/go-stellar-sdk/keypair"
)

func initCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write .env and anchor.yaml with fresh keys for a test network",
		Long: `Writes .env (keys and addresses, readable by you alone) and anchor.yaml (what is asked of people, the rails) into the
working directory, for development against the Stellar test network. Existing files are never overwritten.`,
		Example: `  anchor init && anchor migrate`,
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			dir, err := s.workingDir()
			if err != nil {
				return err
			}
			env, err := freshEnv()
			if err != nil {
				return err
			}
			if err := errors.Join(absent(dir, ".env"), absent(dir, "anchor.yaml")); err != nil {
				return err
			}
			if err := writeNew(filepath.Join(dir, ".env"), env, 0o600); err != nil {
				return err
			}
			if err := writeNew(filepath.Join(dir, "anchor.yaml"), firstYAML, 0o644); err != nil {
				return err
			}
			fmt.Fprintln(s.Stdout, "wrote .env and anchor.yaml\nnext: anchor migrate && anchor create-asset USDC --issue --funding-method SEPA && anchor run")
			return nil
		},
	}
}

// absent refuses to go on over a file that is there.
func absent(dir, name string) error {
	_, err := os.Lstat(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s exists already and is never overwritten: move it away first, or go on with it", name)
}

func writeNew(path, content string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// freshEnv is a .env with keys that nobody has used.
func freshEnv() (string, error) {
	signing, err := keypair.Random()
	if err != nil {
		return "", fmt.Errorf("make a signing key: %w", err)
	}
	return fmt.Sprintf(`# Settings of this anchor (docs/settings.md has all of them). Keep this file to yourself: whoever has
# it can speak for the anchor and read what people gave it.

# signs SEP-10 challenges and callbacks; its public key is %s
SIGNING_SEED=%s
# signs the tokens of sending anchors
SERVER_JWT_KEY=%s
# seals personal data and seeds in the database; without it they are lost
ANCHOR_MASTER_KEYS=first:%s

# for development on this machine: plain http, callbacks to private addresses, every sending anchor admitted
LOCAL_MODE=1
HOST_URL=http://localhost:8000
HORIZON_URI=https://horizon-testnet.stellar.org
STELLAR_NETWORK_PASSPHRASE="Test SDF Network ; September 2015"
DATABASE_URL=sqlite:anchor.db
`, signing.Address(), signing.Seed(), randomText(), randomText()), nil
}

// randomText is 32 random bytes in base64.
func randomText() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(raw)
}

const firstYAML = `# What this anchor asks of people and how it pays them. Keys and addresses are in .env; every
# setting is explained in docs/settings.md and shown in anchor.yaml.example.

# accept: automatic accepts whoever gave all fields; operator waits for 'anchor customers accept'
customers:
  types:
    - name: sep31-sender
      side: sender
      description: the person who sends the money
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
        - {name: email_address, description: e-mail address}
    - name: sep31-receiver
      side: receiver
      description: the person who receives the money
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
        - {name: bank_account_number, description: number of the bank account}
        - {name: bank_number, description: routing number of the bank}

# a bank that pays nobody, for trials; it writes what it did into its file
rails:
  - name: simulated
    kind: simulated
    outcome: accepted
    after: 2s
    file: simulated-bank.jsonl

funding_methods:
  - {name: SEPA, rail: simulated}
`
