package remote

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The headers of the contract.
const (
	headerKey       = "Anchor-Key"       // which key signed
	headerTimestamp = "Anchor-Timestamp" // Unix seconds; requests only
	headerNonce     = "Anchor-Nonce"     // of the request; requests only
	headerSignature = "Anchor-Signature" // hex
	// Written so on purpose: net/http takes a request with the canonical spelling for one that it may send again by itself
	// after the connection broke. Names of headers mean the same in any case.
	headerIdempotency = "idempotency-key"
)

// What is signed begins with its purpose, so that a request can never be taken for an answer.
const (
	purposeRequest = "anchor-request-v1"
	purposeAnswer  = "anchor-answer-v1"
)

// mac is the HMAC-SHA256 of lines, each ended by a line feed, and of a body after them. No line has a line feed in it.
func mac(secret, body []byte, lines ...string) []byte {
	h := hmac.New(sha256.New, secret)
	for _, line := range lines {
		h.Write([]byte(line + "\n"))
	}
	h.Write(body)
	return h.Sum(nil)
}

// sign signs a request by the first key and returns the nonce to which the answer is bound.
func (c *client) sign(r *http.Request, body []byte, now time.Time) (nonce string) {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails: see its documentation
	nonce = hex.EncodeToString(random)
	stamp := strconv.FormatInt(now.Unix(), 10)
	key := c.keys[0]
	r.Header.Set(headerKey, key.ID)
	r.Header.Set(headerTimestamp, stamp)
	r.Header.Set(headerNonce, nonce)
	sum := mac(key.Secret, body, purposeRequest, stamp, nonce, r.Method, r.URL.EscapedPath())
	r.Header.Set(headerSignature, hex.EncodeToString(sum))
	return nonce
}

// verify tells whether an answer was made by somebody who has one of the keys, for the request with the nonce.
func (c *client) verify(header http.Header, nonce string, status int, body []byte) error {
	id, err := single(header, headerKey)
	if err != nil {
		return err
	}
	text, err := single(header, headerSignature)
	if err != nil {
		return err
	}
	given, err := hex.DecodeString(text)
	if err != nil {
		return fmt.Errorf("the header %s is not hexadecimal", headerSignature)
	}
	for _, key := range c.keys {
		if key.ID != id {
			continue
		}
		if !hmac.Equal(given, mac(key.Secret, body, purposeAnswer, nonce, strconv.Itoa(status))) {
			return errors.New("the signature is not that of this answer to this request")
		}
		return nil
	}
	return errors.New("it is signed by a key that is not known here")
}

func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	if len(values) != 1 {
		return "", fmt.Errorf("it is not signed: the header %s is there %d times", name, len(values))
	}
	return values[0], nil
}
