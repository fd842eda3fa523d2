package stellar

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// parseUnits reads an amount as Horizon writes it, digits with exactly seven decimals, to units of 10^-7.
func parseUnits(amount []byte) (int64, error) {
	const decimals = 7
	whole, fraction, found := bytes.Cut(amount, []byte{'.'})
	if !found || len(fraction) != decimals || len(whole) == 0 || (whole[0] == '0' && len(whole) > 1) {
		return 0, fmt.Errorf("%q is no amount with seven decimals", Printable(string(amount)))
	}
	digits := append(append(make([]byte, 0, 32), whole...), fraction...)
	// ParseUint takes neither a sign nor, in base 10, underscores.
	units, err := strconv.ParseUint(string(digits), 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("the amount %s is more than an account can hold", Printable(string(amount)))
	}
	if err != nil {
		return 0, fmt.Errorf("%q is no amount", Printable(string(amount)))
	}
	return int64(units), nil
}

// parsePosition reads an operation id, a decimal that fits 63 bits.
func parsePosition(id []byte) (int64, bool) {
	position, err := strconv.ParseUint(string(id), 10, 63)
	return int64(position), err == nil && position > 0
}

// parseTime reads Horizon's times.
func parseTime(value []byte) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, string(value))
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time", Printable(string(value)))
	}
	return at.UTC(), nil
}

// isHash tells whether the text is 64 lower hex digits.
func isHash[T string | []byte](text T) bool {
	if len(text) != 64 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// parseParty reads the address of an account or a contract. Horizon made it from the ledger: its form is checked so that
// nothing strange gets into a row, its checksum is not.
func parseParty(address []byte) (string, error) {
	if len(address) != 56 || (address[0] != 'G' && address[0] != 'C') || !isBase32(address) {
		return "", fmt.Errorf("%q is no address", Printable(string(address)))
	}
	return string(address), nil
}

func isBase32(text []byte) bool {
	for _, c := range text {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// parseMuxedID reads the number of a muxed account. Horizon leaves the number 0 out and gives only the M… address.
func parseMuxedID(id, muxed []byte, account string) (string, error) {
	if id != nil {
		return parseUint64(id)
	}
	if muxed == nil {
		return "", nil
	}
	m, err := strkey.DecodeMuxedAccount(string(muxed))
	if err != nil {
		return "", fmt.Errorf("%q is no muxed account", Printable(string(muxed)))
	}
	if under, err := m.AccountID(); err != nil || under != account {
		return "", fmt.Errorf("the muxed account %s belongs to another account", Printable(string(muxed)))
	}
	return strconv.FormatUint(m.ID(), 10), nil
}

func parseUint64(decimal []byte) (string, error) {
	n, err := strconv.ParseUint(string(decimal), 10, 64)
	if err != nil {
		return "", fmt.Errorf("%q is no number of 64 bits", Printable(string(decimal)))
	}
	return strconv.FormatUint(n, 10), nil
}

// parseAsset answers code and issuer.
func parseAsset(kind, code, issuer []byte) (string, string, error) {
	switch string(kind) {
	case "native":
		return NativeCode, "", nil
	case "credit_alphanum4", "credit_alphanum12":
	default:
		return "", "", fmt.Errorf("the asset type %q is not known", Printable(string(kind)))
	}
	if !isAssetCode(code) {
		return "", "", fmt.Errorf("%q is no asset code", Printable(string(code)))
	}
	if len(issuer) != 56 || issuer[0] != 'G' || !isBase32(issuer) {
		return "", "", fmt.Errorf("%q is no issuer", Printable(string(issuer)))
	}
	return string(code), string(issuer), nil
}

func isAssetCode(code []byte) bool {
	for _, c := range code {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(code) >= 1 && len(code) <= 12
}

// canonicalMemo answers memo type and memo as Payment has them. Of a text only memo_bytes is exact: Horizon mangles what
// is not UTF-8 and drops NUL in memo, so two different texts can look alike there.
func canonicalMemo(kind, memo, memoBytes []byte) (string, string, error) {
	switch string(kind) {
	case MemoNone:
		return MemoNone, "", nil
	case MemoID:
		id, err := parseUint64(memo)
		return MemoID, id, err
	case MemoHash, MemoReturn:
		hash, err := base64.StdEncoding.Strict().DecodeString(string(memo))
		if err != nil || len(hash) != 32 {
			return "", "", errors.New("the memo is no hash")
		}
		return string(kind), hex.EncodeToString(hash), nil
	case MemoText:
		return textMemo(memoBytes)
	}
	return "", "", fmt.Errorf("the memo type %q is not known", Printable(string(kind)))
}

func textMemo(memoBytes []byte) (string, string, error) {
	const longest = 28
	if memoBytes == nil {
		return "", "", errors.New("the bytes of the text memo are missing")
	}
	text, err := base64.StdEncoding.Strict().DecodeString(string(memoBytes))
	if err != nil || len(text) > longest {
		return "", "", errors.New("the bytes of the text memo are not readable")
	}
	return MemoText, base64.StdEncoding.EncodeToString(text), nil
}
