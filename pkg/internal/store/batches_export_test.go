package store

// BatchMembersText is the statement for plan tests.
const BatchMembersText = batchMembers
