package wire

// DeviceAuthorization is the response of RFC 8628 section 3.2. PushURI is ours;
// clients that do not know it lose nothing but time.
type DeviceAuthorization struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	ExpiresIn               int    `json:"expires_in"` // seconds
	Interval                int    `json:"interval"`   // seconds
	PushURI                 string `json:"push_uri,omitempty"`
}

// Token is the successful response of RFC 6749 section 5.1, with the ID token of
// OpenID Connect Core section 3.1.3.3.
type Token struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	// Scope is always there: without it, it would be what was asked for (RFC 6749
	// section 5.1), and a policy may leave less, or nothing.
	Scope string `json:"scope"`
}

// DeviceConfirmation is the answer to the right number at PathConfirmation.
type DeviceConfirmation struct {
	State State `json:"state"` // StateApproved
}

// UserInfo is what a desktop may learn of the person.
type UserInfo struct {
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"`
}

// Introspection is the response of RFC 7662 section 2.2. Of a token that is not
// active it says nothing else.
type Introspection struct {
	Active    bool          `json:"active"`
	Scope     string        `json:"scope,omitempty"`
	ClientID  string        `json:"client_id,omitempty"`
	TokenType string        `json:"token_type,omitempty"`
	ExpiresAt int64         `json:"exp,omitempty"` // seconds since the epoch
	IssuedAt  int64         `json:"iat,omitempty"` // seconds since the epoch
	Subject   string        `json:"sub,omitempty"`
	Audience  []string      `json:"aud,omitempty"`
	Issuer    string        `json:"iss,omitempty"`
	ID        string        `json:"jti,omitempty"`
	SessionID string        `json:"sid,omitempty"`
	Bound     *Confirmation `json:"cnf,omitempty"`
}

// Confirmation names the key that a token is bound to (RFC 9449 section 6.1).
type Confirmation struct {
	KeyThumbprint string `json:"jkt"`
}

// Metadata is the document of RFC 8414 section 2 and of OpenID Connect Discovery
// section 3, with our extensions device_push_endpoint and device_confirmation_endpoint.
type Metadata struct {
	Issuer                      string   `json:"issuer"`
	AuthorizationEndpoint       string   `json:"authorization_endpoint"`
	TokenEndpoint               string   `json:"token_endpoint"`
	DeviceAuthorizationEndpoint string   `json:"device_authorization_endpoint"`
	DevicePushEndpoint          string   `json:"device_push_endpoint,omitempty"`
	DeviceConfirmationEndpoint  string   `json:"device_confirmation_endpoint,omitempty"`
	JWKSURI                     string   `json:"jwks_uri"`
	RevocationEndpoint          string   `json:"revocation_endpoint,omitempty"`
	IntrospectionEndpoint       string   `json:"introspection_endpoint,omitempty"`
	UserInfoEndpoint            string   `json:"userinfo_endpoint,omitempty"`
	ResponseTypesSupported      []string `json:"response_types_supported"`
	ResponseModesSupported      []string `json:"response_modes_supported"`
	GrantTypesSupported         []string `json:"grant_types_supported"`
	ScopesSupported             []string `json:"scopes_supported,omitempty"`
	ClaimsSupported             []string `json:"claims_supported,omitempty"`
	SubjectTypesSupported       []string `json:"subject_types_supported"`
	ACRValuesSupported          []string `json:"acr_values_supported,omitempty"`
	ChallengeMethodsSupported   []string `json:"code_challenge_methods_supported"`
	IDTokenAlgorithms           []string `json:"id_token_signing_alg_values_supported"`
	DPoPAlgorithms              []string `json:"dpop_signing_alg_values_supported"`
	TokenAuthMethods            []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	TokenAuthAlgorithms         []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationAuthMethods       []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthAlgorithms    []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionAuthMethods    []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAuthAlgorithms []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	ResponseIssParameter        bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 section 3
	// The next three default to true or are commonly taken for supported where they are left out.
	ClaimsParameter     bool `json:"claims_parameter_supported"`
	RequestParameter    bool `json:"request_parameter_supported"`
	RequestURIParameter bool `json:"request_uri_parameter_supported"`
}

// Error is the error response of RFC 6749 section 5.2. It is also the error
// value that the SDK's transport returns.
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
	// State is StateVerifying beside authorization_pending while a number is awaited on
	// the desktop, and TriesLeft beside incorrect_number. Both are ours.
	State     State `json:"state,omitempty"`
	TriesLeft int   `json:"tries_left,omitempty"`
}

func (e *Error) Error() string {
	if e.Description == "" {
		return e.Code
	}
	return e.Code + ": " + e.Description
}

// DescriptionExpired is the error_description beside access_denied where nobody
// answered an authorization request in time: RFC 6749 section 4.1.2.1 has no code
// for that, and an app should not say that somebody said no.
const DescriptionExpired = "the grant has expired"

// Error codes, with where they are defined.
const (
	CodeInvalidRequest       = "invalid_request"         // RFC 6749 5.2
	CodeInvalidClient        = "invalid_client"          // RFC 6749 5.2
	CodeInvalidGrant         = "invalid_grant"           // RFC 6749 5.2
	CodeUnauthorizedClient   = "unauthorized_client"     // RFC 6749 5.2
	CodeUnsupportedGrantType = "unsupported_grant_type"  // RFC 6749 5.2
	CodeInvalidScope         = "invalid_scope"           // RFC 6749 5.2
	CodeServerError          = "server_error"            // RFC 6749 4.1.2.1
	CodeUnavailable          = "temporarily_unavailable" // RFC 6749 4.1.2.1
	CodeAuthorizationPending = "authorization_pending"   // RFC 8628 3.5
	CodeSlowDown             = "slow_down"               // RFC 8628 3.5
	CodeAccessDenied         = "access_denied"           // RFC 8628 3.5
	CodeExpiredToken         = "expired_token"           // RFC 8628 3.5
	CodeInvalidToken         = "invalid_token"           // RFC 6750 3.1
	CodeInsufficientScope    = "insufficient_scope"      // RFC 6750 3.1
	CodeInvalidTarget        = "invalid_target"          // RFC 8707 2
	CodeInvalidDPoPProof     = "invalid_dpop_proof"      // RFC 9449 5
	CodeUseDPoPNonce         = "use_dpop_nonce"          // RFC 9449 8
	CodeIncorrectNumber      = "incorrect_number"        // ours, of PathConfirmation

	// Of the authorization endpoint.
	CodeUnsupportedResponseType = "unsupported_response_type" // RFC 6749 4.1.2.1
	CodeLoginRequired           = "login_required"            // OpenID Connect Core 3.1.2.6
	CodeRequestUnsupported      = "request_not_supported"     // OpenID Connect Core 3.1.2.6
	CodeRequestURIUnsupported   = "request_uri_not_supported" // OpenID Connect Core 3.1.2.6
)
