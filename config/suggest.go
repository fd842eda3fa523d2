package config

import "strings"

// suggest finds the key that somebody probably meant: by the name of its variable, by its last part, or by its
// spelling. Empty where nothing is near.
func suggest(path string, known []string) string {
	for _, row := range rows() {
		if strings.EqualFold(path, row.Env) {
			return row.Key
		}
	}
	nearest, least := "", 3
	for _, key := range known {
		if lastPart(key) == lastPart(strings.ToLower(path)) {
			return key
		}
		if d := distance(strings.ToLower(path), key); d < least {
			nearest, least = key, d
		}
	}
	return nearest
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// distance counts the letters to insert, drop or change (Levenshtein).
func distance(a, b string) int {
	before := make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := before[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(before[j+1]+1, row[j]+1, change)
		}
		before = row
	}
	return before[len(b)]
}
