package login

import "context"

// JWKS is the public half of the keys that sign, or have signed what still counts,
// and of those that will sign soon (RFC 7517 section 5).
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return nil, err
	}
	return keys.JWKS(s.wall()), nil
}

// SigningAlgorithms are those of the keys in JWKS, by their JOSE names.
func (s *Service) SigningAlgorithms(ctx context.Context) ([]string, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return nil, err
	}
	return keys.Algorithms(s.wall()), nil
}
