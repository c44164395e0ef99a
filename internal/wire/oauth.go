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

// Token is the successful response of RFC 6749 section 5.1.
type Token struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
	Scope       string `json:"scope,omitempty"`
}

// UserInfo is what a desktop may learn of the person.
type UserInfo struct {
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"`
}

// Metadata is the document of RFC 8414 section 2, with our extension
// device_push_endpoint.
type Metadata struct {
	Issuer                      string   `json:"issuer"`
	TokenEndpoint               string   `json:"token_endpoint"`
	DeviceAuthorizationEndpoint string   `json:"device_authorization_endpoint"`
	DevicePushEndpoint          string   `json:"device_push_endpoint,omitempty"`
	RevocationEndpoint          string   `json:"revocation_endpoint,omitempty"`
	UserInfoEndpoint            string   `json:"userinfo_endpoint,omitempty"`
	ResponseTypesSupported      []string `json:"response_types_supported"`
	GrantTypesSupported         []string `json:"grant_types_supported"`
	ScopesSupported             []string `json:"scopes_supported,omitempty"`
	TokenAuthMethods            []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthMethods       []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
}

// Error is the error response of RFC 6749 section 5.2. It is also the error
// value that the SDK's transport returns.
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func (e *Error) Error() string {
	if e.Description == "" {
		return e.Code
	}
	return e.Code + ": " + e.Description
}

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
)
