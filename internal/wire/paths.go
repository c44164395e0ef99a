package wire

// Paths of the machine endpoints below the issuer.
const (
	PathDeviceAuthorization = "/device_authorization"
	PathToken               = "/token"
	PathAuthorize           = "/authorize"
	PathRevoke              = "/revoke"
	PathIntrospect          = "/introspect"
	PathJWKS                = "/jwks"
	PathUserInfo            = "/userinfo"
	PathPush                = "/push"
	PathConfirmation        = "/device_confirmation" // ours: the number, for desktops without push
	PathHealth              = "/healthz"
	PathMetrics             = "/metrics"
	// PathDevice is the page that people type by hand (verification_uri).
	PathDevice = "/device"
	// PathComputers is where a person sees which desktops are signed in.
	PathComputers = "/devices"
	// WellKnownMetadata comes between host and path of the issuer (RFC 8414 section 3.1).
	WellKnownMetadata = "/.well-known/oauth-authorization-server"
	// WellKnownOpenID comes after the issuer's path (OpenID Connect Discovery section 4).
	WellKnownOpenID = "/.well-known/openid-configuration"
)

// Members of the forms and queries.
const (
	ParamClientID       = "client_id"
	ParamClientSecret   = "client_secret"
	ParamScope          = "scope"
	ParamGrantType      = "grant_type"
	ParamDeviceCode     = "device_code"
	ParamUserCode       = "user_code"
	ParamDeviceName     = "device_name"     // ours
	ParamDevicePlatform = "device_platform" // ours
	ParamAppVersion     = "app_version"     // ours
	ParamNumber         = "number"          // ours
	ParamLinkKey        = "k"               // ours: of verification_uri_complete
	ParamToken          = "token"
	ParamTokenTypeHint  = "token_type_hint"
	ParamRefreshToken   = "refresh_token"
	ParamResource       = "resource" // the one that may come more than once (RFC 8707 section 2)
	ParamDPoPKey        = "dpop_jkt" // RFC 9449 section 10
	ParamNonce          = "nonce"

	ParamCode             = "code"
	ParamRedirectURI      = "redirect_uri"
	ParamResponseType     = "response_type"
	ParamResponseMode     = "response_mode"
	ParamState            = "state"
	ParamCodeChallenge    = "code_challenge"
	ParamChallengeMethod  = "code_challenge_method"
	ParamCodeVerifier     = "code_verifier"
	ParamPrompt           = "prompt"
	ParamMaxAge           = "max_age"
	ParamIDTokenHint      = "id_token_hint"
	ParamIssuer           = "iss" // RFC 9207 section 2
	ParamError            = "error"
	ParamErrorDescription = "error_description"

	ParamClientAssertion     = "client_assertion"
	ParamClientAssertionType = "client_assertion_type"
)

// Values of those parameters.
const (
	// GrantTypeDeviceCode is the grant_type of RFC 8628 section 3.4.
	GrantTypeDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
	GrantTypeCode       = "authorization_code" // RFC 6749 section 4.1.3
	GrantTypeRefresh    = "refresh_token"      // RFC 6749 section 6
	ResponseTypeCode    = "code"               // RFC 6749 section 4.1.1
	ChallengeS256       = "S256"               // RFC 7636 section 4.3
	// AssertionTypeJWT is the client_assertion_type of RFC 7523 section 2.2.
	AssertionTypeJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// Headers of RFC 9449.
const (
	HeaderDPoP      = "DPoP"
	HeaderDPoPNonce = "DPoP-Nonce"
)

// Values of token_type.
const (
	TokenTypeBearer = "Bearer" // RFC 6750
	TokenTypeDPoP   = "DPoP"   // RFC 9449
)
