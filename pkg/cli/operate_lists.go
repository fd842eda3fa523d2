package cli

// listLimit is how many rows a list shows where --limit does not say otherwise.
const listLimit = 100

// memo shows a memo with its kind; a muxed id beside it where there is one.
func memo(kind, value, muxed string) string {
	text := kind
	if value != "" {
		text += ":" + value
	}
	if muxed != "" {
		text += " muxed:" + muxed
	}
	return text
}
