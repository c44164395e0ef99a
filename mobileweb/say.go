package mobileweb

import "fmt"

// A Sentence is something that the server answers to the script, and the script shows to the person.
type Sentence string

// The sentences of answers in JSON. Each names the next step.
const (
	SayPasskeyRefused      Sentence = "say.passkey_refused"       // unknown credential, bad signature, no verification
	SayOtherPerson         Sentence = "say.other_person"          // the app asks for somebody else
	SayPasskeyHereAlready  Sentence = "say.passkey_here_already"  // the credential is registered
	SayTookTooLong         Sentence = "say.took_too_long"         // the ceremony is over or unknown
	SayInvitationInvalid   Sentence = "say.invitation_invalid"    // unknown, used or run out
	SayInvitationNeeded    Sentence = "say.invitation_needed"     // registration is not open
	SayRecoveryCodeInvalid Sentence = "say.recovery_code_invalid" // unknown or used
	SayNameMissing         Sentence = "say.name_missing"
	SayNameTooLong         Sentence = "say.name_too_long"
	SayAccountDisabled     Sentence = "say.account_disabled"
	SayOnAnotherPhone      Sentence = "say.on_another_phone" // another browser claimed the sign-in
	SayOver                Sentence = "say.over"             // denied, cancelled, expired or used meanwhile
	SayStopped             Sentence = "say.stopped"          // the client's policy refuses the sign-in
	SayVerifying           Sentence = "say.verifying"        // the passkey was proved already, a number is awaited
	SaySignInFirst         Sentence = "say.sign_in_first"
	SayTooManyTries        Sentence = "say.too_many_tries"
	SayBusy                Sentence = "say.busy"   // more came than can be answered
	SayReload              Sentence = "say.reload" // malformed or cross-site
	SayBroken              Sentence = "say.broken"
)

// sentences lists all of them, so that New can check that the catalog has each.
var sentences = [...]Sentence{
	SayPasskeyRefused, SayOtherPerson, SayPasskeyHereAlready, SayTookTooLong, SayInvitationInvalid, SayInvitationNeeded,
	SayRecoveryCodeInvalid, SayNameMissing, SayNameTooLong, SayAccountDisabled, SayOnAnotherPhone, SayOver,
	SayStopped, SayVerifying, SaySignInFirst, SayTooManyTries, SayBusy, SayReload, SayBroken,
}

// Say returns the sentence in the reader's language.
func (s *Site) Say(acceptLanguage string, sentence Sentence) string {
	text, err := s.edition(acceptLanguage).words.say(string(sentence))
	if err != nil {
		// Only a Sentence made up outside this package gets here: New checked the constants.
		return fmt.Sprintf("[%s]", sentence)
	}
	return text
}
