package jws

import "slices"

// Algorithms are the signature algorithms of RFC 7518 section 3.1 and RFC 8037
// section 3.1 that are taken: asymmetric ones all, so neither "none" nor a MAC.
func Algorithms() []string {
	return []string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
}

func supported(alg string) bool { return slices.Contains(Algorithms(), alg) }
