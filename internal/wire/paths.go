package wire

// Paths of the machine endpoints below the issuer.
const (
	PathDeviceAuthorization = "/device_authorization"
	PathToken               = "/token"
	PathRevoke              = "/revoke"
	PathUserInfo            = "/userinfo"
	PathPush                = "/push"
	PathHealth              = "/healthz"
	PathMetrics             = "/metrics"
	// PathDevice is the page that people type by hand (verification_uri).
	PathDevice = "/device"
	// WellKnownMetadata comes between host and path of the issuer (RFC 8414 section 3.1).
	WellKnownMetadata = "/.well-known/oauth-authorization-server"
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
	ParamToken          = "token"
	ParamTokenTypeHint  = "token_type_hint"
)

// GrantTypeDeviceCode is the grant_type of RFC 8628 section 3.4.
const GrantTypeDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
