package sep10

// SigningKey is signingKey, for tests of what nobody can send over HTTP.
var SigningKey = signingKey
