package anchortest

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"

	"github.com/anchorkit/anchor/config"
)

// What Start gives an anchor unless Options say otherwise.
const (
	AssetCode     = "USDC"
	FundingMethod = "SEPA"
	SenderType    = "sep31-sender"   // of the built-in settings: asks for first_name, last_name and email_address
	ReceiverType  = "sep31-receiver" // likewise: first_name, last_name, bank_account_number and bank_number
)

// builtIn is anchor.yaml where Options have none. The bank delivers at once.
const builtIn = `
customers:
  types:
    - name: ` + SenderType + `
      side: sender
      description: the person who sends the money
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
        - {name: email_address, description: e-mail address}
    - name: ` + ReceiverType + `
      side: receiver
      description: the person who receives the money
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
        - {name: bank_account_number, description: number of the bank account}
        - {name: bank_number, description: routing number of the bank}
rails:
  - {name: simulated, kind: simulated, outcome: delivered}
funding_methods:
  - {name: ` + FundingMethod + `, rail: simulated}
`

// load writes anchor.yaml into the anchor's folder and reads the settings. Nothing of this machine's environment is in them.
func (w *world) load(o Options) (config.Settings, error) {
	yaml := o.YAML
	if yaml == "" {
		yaml = builtIn
	}
	if err := os.WriteFile(filepath.Join(w.dir, "anchor.yaml"), []byte(yaml), 0o600); err != nil {
		return config.Settings{}, err
	}
	signing, err := NewAccount()
	if err != nil {
		return config.Settings{}, err
	}
	// Of variables that come twice the last one counts.
	environ := []string{
		"LOCAL_MODE=1", "HOST_URL=" + w.HomeURL, "HORIZON_URI=" + w.HorizonURL, "STELLAR_NETWORK_PASSPHRASE=" + w.Passphrase,
		"DATABASE_URL=sqlite:" + filepath.Join(w.dir, "anchor.db"), "SIGNING_SEED=" + signing.Seed,
		"SERVER_JWT_KEY=" + randomText(), "ANCHOR_MASTER_KEYS=test:" + randomText(),
		// Tests ask as often as they like.
		"ANCHOR_LIMIT_REQUESTS_PER_ADDRESS=0", "ANCHOR_LIMIT_LOGINS_PER_ADDRESS=0", "ANCHOR_LIMIT_CUSTOMERS_PER_ADDRESS=0",
		"ANCHOR_LIMIT_REQUESTS_PER_ACCOUNT=0", "ANCHOR_LIMIT_CUSTOMERS_PER_ACCOUNT=0",
	}
	for name, value := range o.Settings {
		environ = append(environ, name+"="+value)
	}
	s, err := config.Load(config.Source{Dir: w.dir, Environ: environ, Setenv: func(string, string) error { return nil }})
	for i, rail := range s.Rails {
		if rail.File != "" && !filepath.IsAbs(rail.File) { // the working directory is the source of the test
			s.Rails[i].File = filepath.Join(w.dir, rail.File)
		}
	}
	return s, err
}

// randomText is 32 random bytes in base64.
func randomText() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(raw)
}
