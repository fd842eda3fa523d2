package decision

import (
	"errors"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Verdict is what is said of a customer in the role of one SEP-12 type. Version nil: whatever is there now.
type Verdict struct {
	Type    string                  `json:"type"`
	Version *int64                  `json:"version"`
	Status  anchor.CustomerStatus   `json:"status"`
	Message string                  `json:"message"`
	Fields  map[string]FieldVerdict `json:"fields"`
}

// FieldVerdict is what is said of one value.
type FieldVerdict struct {
	Status anchor.FieldStatus `json:"status"`
	Error  string             `json:"error"`
	Code   string             `json:"code"`
}

// Read makes a verdict of what was said. An error says what is missing.
func (v Verdict) Read() (anchor.Verdict, error) {
	if err := v.check(); err != nil {
		return anchor.Verdict{}, err
	}
	said := anchor.Verdict{Type: v.Type, Status: v.Status, Message: anchor.CleanText(v.Message), Fields: map[string]anchor.FieldVerdict{}}
	if v.Version != nil {
		said.Version = *v.Version
	}
	for name, f := range v.Fields {
		said.Fields[name] = anchor.FieldVerdict{Status: f.Status, Error: anchor.CleanText(f.Error), Code: f.Code}
	}
	return said, nil
}

func (v Verdict) check() error {
	switch v.Status {
	case anchor.CustomerAccepted, anchor.CustomerProcessing, anchor.CustomerNeedsInfo:
	case anchor.CustomerRejected:
		if v.Message == "" {
			return errors.New("REJECTED needs a message")
		}
	default:
		return errors.New("the status must be ACCEPTED, PROCESSING, NEEDS_INFO or REJECTED")
	}
	for _, f := range v.Fields {
		switch f.Status {
		case anchor.FieldAccepted, anchor.FieldProcessing, anchor.FieldRejected, anchor.FieldVerificationRequired:
		default:
			return errors.New("the status of a field must be ACCEPTED, PROCESSING, REJECTED or VERIFICATION_REQUIRED")
		}
	}
	return nil
}
