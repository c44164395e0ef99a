package auth

import "net/netip"

// EventType is what has happened, as the audit log and webhooks spell it.
type EventType string

// The events. What is begun and never answered is none: anybody may begin.
const (
	EventOpenedTwice   EventType = "sign_in.opened_twice"   // a second browser opened the code
	EventClaimRefused  EventType = "sign_in.claim_refused"  // a browser tried to decide what another had claimed
	EventApproved      EventType = "sign_in.approved"       // by a passkey; a number may still be awaited
	EventPasskeyFailed EventType = "sign_in.passkey_failed" // an answer that did not hold
	EventNumberWrong   EventType = "sign_in.number_wrong"
	EventConfirmed     EventType = "sign_in.number_confirmed"
	EventDenied        EventType = "sign_in.denied"    // by the person
	EventRefused       EventType = "sign_in.refused"   // by the policy
	EventCancelled     EventType = "sign_in.cancelled" // by the desktop, after somebody opened it
	EventSignedIn      EventType = "sign_in.completed" // the desktop has its tokens

	EventSignedOut EventType = "session.signed_out" // Actor tells by whom
	EventReported  EventType = "session.reported"   // "This wasn't me"
	EventReused    EventType = "session.reuse"      // a refresh token or a code came a second time
	EventDeviceOK  EventType = "session.confirmed"  // an unconfirmed computer

	EventAccountCreated EventType = "account.created"
	EventPhoneSignedIn  EventType = "account.signed_in"      // to the account pages
	EventPhoneRefused   EventType = "account.passkey_failed" // an answer that did not hold
	EventPasskeyAdded   EventType = "account.passkey_added"
	EventPasskeyRemoved EventType = "account.passkey_removed"
	EventRecovered      EventType = "account.recovered" // a passkey added by a recovery code
	EventCodesRenewed   EventType = "account.recovery_codes_renewed"

	EventClientAdded   EventType = "operator.client_added"
	EventClientChanged EventType = "operator.client_changed"
	EventClientRemoved EventType = "operator.client_removed"
	EventSecretRotated EventType = "operator.secret_rotated"
	EventKeyRotated    EventType = "operator.key_rotated"
	EventUserInvited   EventType = "operator.user_invited"
	EventUserDisabled  EventType = "operator.user_disabled"
	EventUserEnabled   EventType = "operator.user_enabled"
	EventUserRemoved   EventType = "operator.user_removed"
	EventBlockLifted   EventType = "operator.block_lifted"
	EventUndelivered   EventType = "operator.webhook_undelivered" // a notice that was given up
)

// Actor is who did it.
type Actor string

// The actors.
const (
	ActorPerson   Actor = "person"   // in a phone's browser
	ActorDesktop  Actor = "desktop"  // or another client's software
	ActorOperator Actor = "operator" // at the command line
	ActorServer   Actor = "server"   // by itself
)

// Event is something that the audit log tells. It has no secrets in it: what names a
// secret is a hash.
type Event struct {
	Type     EventType
	Actor    Actor
	ClientID ClientID
	// Risk and Reasons are the assessment of a sign-in: package risk's words.
	Risk    string
	Reasons []string
	// Note is what else there is to say, in words without personal data.
	Note string
	Personal
}

// Personal is what of an event is about a person. It is forgotten at the age that the
// operator chooses, while the rest of the record stays.
type Personal struct {
	UserID        UserID     `json:"user_id,omitempty"`
	UserName      string     `json:"user_name,omitempty"`
	SessionID     SessionID  `json:"session_id,omitempty"`
	GrantID       GrantID    `json:"grant_id,omitempty"`
	Browser       BrowserID  `json:"browser,omitempty"`
	Address       netip.Addr `json:"address,omitzero"`      // from where it was done
	DesktopOrigin netip.Addr `json:"desktop,omitzero"`      // where the desktop is, as the server saw it
	Place         string     `json:"place,omitempty"`       // of the desktop, roughly
	DeviceName    string     `json:"device_name,omitempty"` // in the desktop's own words
	KeyThumbprint string     `json:"key,omitempty"`         // of the desktop's key
	Passkey       string     `json:"passkey,omitempty"`     // its credential ID, in base64url
}
