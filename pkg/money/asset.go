package money

import (
	"strings"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// The schemes of the asset identification format that SEP-31 and SEP-38 use.
const (
	SchemeStellar = "stellar"
	SchemeFiat    = "iso4217"
)

// nativeCode is what the asset identification format calls lumens; it has no issuer.
const nativeCode = "native"

// Asset names what an amount counts, in the asset identification format of SEP-38: "stellar:USDC:G…", "stellar:native",
// "iso4217:BRL". Assets made by this package are equal exactly when they are ==. The zero value names no asset.
type Asset struct {
	Scheme string // SchemeStellar or SchemeFiat
	Code   string // case-sensitive on Stellar, three capitals for fiat, "native" for lumens
	Issuer string // a G… account; empty for lumens and fiat
}

// ParseAsset reads the asset identification format. Anything else is a *ParseError wrapping ErrAsset.
func ParseAsset(s string) (Asset, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case SchemeStellar:
		code, issuer, issued := strings.Cut(rest, ":")
		if !issued {
			return parseNative(s, code)
		}
		return issuedAsset(s, code, issuer)
	case SchemeFiat:
		return fiatAsset(s, rest)
	default:
		return Asset{}, refuseAsset(s, `it must be "stellar:CODE:ISSUER", "stellar:native" or "iso4217:XXX"`)
	}
}

// Stellar names an asset of the network: a code of 1 to 12 letters and digits and its issuer, a G… account; or "native"
// without an issuer for lumens. Anything else is a *ParseError wrapping ErrAsset.
func Stellar(code, issuer string) (Asset, error) {
	if issuer == "" {
		return parseNative(code, code)
	}
	return issuedAsset(SchemeStellar+":"+code+":"+issuer, code, issuer)
}

// Native names lumens.
func Native() Asset { return Asset{Scheme: SchemeStellar, Code: nativeCode} }

// Fiat names a currency by its ISO 4217 code, three capital letters. Anything else is a *ParseError wrapping ErrAsset.
func Fiat(code string) (Asset, error) { return fiatAsset(code, code) }

// String writes the asset identification format; "" for the zero value.
func (a Asset) String() string {
	switch {
	case a.Scheme == "":
		return ""
	case a.Issuer == "":
		return a.Scheme + ":" + a.Code
	default:
		return a.Scheme + ":" + a.Code + ":" + a.Issuer
	}
}

// IsStellar tells whether the asset lives on the Stellar network.
func (a Asset) IsStellar() bool { return a.Scheme == SchemeStellar }

// IsNative tells whether the asset is lumens.
func (a Asset) IsNative() bool { return a == Native() }

// MarshalText writes String.
func (a Asset) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseAsset accepts, and the empty text as no asset.
func (a *Asset) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Asset{}
		return nil
	}
	parsed, err := ParseAsset(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

func parseNative(text, code string) (Asset, error) {
	if code != nativeCode {
		return Asset{}, refuseAsset(text, `an asset of the network needs an issuer; only "native", lumens, has none`)
	}
	return Native(), nil
}

func issuedAsset(text, code, issuer string) (Asset, error) {
	if len(code) < 1 || len(code) > 12 || strings.ContainsFunc(code, notAlphanumeric) {
		return Asset{}, refuseAsset(text, "the code must be 1 to 12 letters and digits")
	}
	if !strkey.IsValidEd25519PublicKey(issuer) {
		return Asset{}, refuseAsset(text, "the issuer must be a valid account id (G…)")
	}
	return Asset{Scheme: SchemeStellar, Code: code, Issuer: issuer}, nil
}

func fiatAsset(text, code string) (Asset, error) {
	if len(code) != 3 || strings.ContainsFunc(code, notCapital) {
		return Asset{}, refuseAsset(text, "a currency is three capital letters, as in ISO 4217")
	}
	return Asset{Scheme: SchemeFiat, Code: code}, nil
}

// refuseAsset leaves out a text that is a secret seed: people do paste the wrong key.
func refuseAsset(text, detail string) *ParseError {
	for part := range strings.SplitSeq(text, ":") {
		if strkey.IsValidEd25519SecretSeed(part) {
			text = "[secret]"
		}
	}
	return refuse("asset", text, ErrAsset, "%s", detail)
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func notCapital(r rune) bool { return r < 'A' || r > 'Z' }
