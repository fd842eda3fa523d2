package store

// UrgentPayouts are the statements that list payouts that need somebody.
func UrgentPayouts() (texts []string) {
	groups := payoutGroups()
	for _, group := range groups[:len(groups)-1] {
		texts = append(texts, listPayoutsText(group))
	}
	return texts
}
