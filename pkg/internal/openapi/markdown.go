package openapi

import (
	"html"
	"html/template"
	"strings"
)

// markdown writes the little of CommonMark that the descriptions use: paragraphs, lists of one level, `code` and **bold**.
// Everything is escaped first.
func markdown(text string) template.HTML {
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if block = strings.TrimSpace(block); block == "" {
			continue
		}
		if strings.HasPrefix(block, "- ") {
			out.WriteString("<ul>")
			for item := range strings.SplitSeq(block[2:], "\n- ") {
				out.WriteString("<li>" + inlined(item) + "</li>")
			}
			out.WriteString("</ul>")
			continue
		}
		out.WriteString("<p>" + inlined(block) + "</p>")
	}
	return template.HTML(out.String()) //nolint:gosec // escaped by inlined
}

// phrase is a text of one line.
func phrase(text string) template.HTML {
	return template.HTML(inlined(text)) //nolint:gosec // escaped by inlined
}

func inlined(text string) string {
	text = wrapped(html.EscapeString(text), "`", "code")
	return wrapped(text, "**", "b")
}

// wrapped puts what stands between two marks into an element. A mark without its second half is left as it is.
func wrapped(text, mark, element string) string {
	parts := strings.Split(text, mark)
	if len(parts)%2 == 0 {
		return text
	}
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "<" + element + ">" + parts[i] + "</" + element + ">"
	}
	return strings.Join(parts, "")
}
