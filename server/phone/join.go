package phone

import (
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/mobileweb"
)

func (f *Face) join(w http.ResponseWriter, r *http.Request) error {
	b := f.welcome(w, r)
	f.show(w, r, http.StatusOK, mobileweb.Join{For: f.errand(r, b), Registration: f.registration()})
	return nil
}

func (f *Face) recover(w http.ResponseWriter, r *http.Request) error {
	b := f.welcome(w, r)
	f.show(w, r, http.StatusOK, mobileweb.Recover{For: f.errand(r, b)})
	return nil
}

func (f *Face) recoveryCodes(w http.ResponseWriter, r *http.Request) error {
	f.show(w, r, http.StatusOK, mobileweb.RecoveryCodes{For: f.errand(r, f.browser(r))})
	return nil
}

// errand is the sign-in that waits meanwhile. A handle that is not this
// browser's is no error here: then none waits.
func (f *Face) errand(r *http.Request, b browser) mobileweb.Errand {
	id, err := b.opened(r.URL.Query().Get("for"))
	if err != nil {
		return mobileweb.Errand{}
	}
	sight, err := f.Login.Look(r.Context(), b.visitor(r), id)
	if err != nil {
		return mobileweb.Errand{}
	}
	return mobileweb.Errand{Opening: b.opening(id), AppName: sight.Client.Name, DeviceName: sight.Grant.Device.Name}
}

// invitation tells the page whom an invitation is for. It consumes nothing.
func (f *Face) invitation(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Invitation string `json:"invitation"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if err := f.Budgets.Recovery(time.Now(), peer.Address(r)); err != nil {
		return err
	}
	invited, err := f.Login.Invited(r.Context(), secret.From(in.Invitation))
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, struct {
		Name     string `json:"name"`
		Existing bool   `json:"existing"`
	}{invited.Name, invited.Existing})
	return nil
}

func (f *Face) joinBegin(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name         string `json:"name"`
		Invitation   string `json:"invitation"`
		RecoveryCode string `json:"recovery_code"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if in.Invitation != "" || in.RecoveryCode != "" {
		if err := f.Budgets.Recovery(time.Now(), peer.Address(r)); err != nil {
			return err
		}
	}
	return f.beginJoin(w, r, login.JoinRequest{
		Name:         in.Name,
		Invitation:   secret.From(in.Invitation),
		RecoveryCode: login.ParseRecoveryCode(in.RecoveryCode),
	})
}

func (f *Face) beginJoin(w http.ResponseWriter, r *http.Request, request login.JoinRequest) error {
	if err := f.Budgets.Join(time.Now(), peer.Address(r)); err != nil {
		return err
	}
	b := f.welcome(w, r)
	handle, options, err := f.Login.BeginJoin(r.Context(), b.id(), request)
	if err != nil {
		return err
	}
	return respondBegun(w, handle, options)
}

func respondBegun(w http.ResponseWriter, handle secret.Text, options passkey.Options) error {
	key, err := publicKey(options)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, begun{Ceremony: handle.Reveal(), PublicKey: key})
	return nil
}

// joinFinish ends the creation of a passkey and leads back to the sign-in that
// waits, with nothing lost, or else to the recovery codes or the account.
func (f *Face) joinFinish(w http.ResponseWriter, r *http.Request) error {
	b, in, joined, err := f.endJoin(w, r)
	if err != nil {
		return err
	}
	next := location{Location: f.at("/account"), RecoveryCodes: plain(joined.RecoveryCodes)}
	if id, err := b.opened(in.For); err == nil {
		next.Location = f.at("/confirm/" + b.opening(id))
	} else if len(next.RecoveryCodes) > 0 {
		next.Location = f.at("/recovery-codes")
	}
	respond(w, http.StatusOK, next)
	return nil
}

func (f *Face) endJoin(w http.ResponseWriter, r *http.Request) (browser, answered, login.Joined, error) {
	var in answered
	b := f.browser(r)
	if err := read(w, r, &in); err != nil {
		return b, in, login.Joined{}, err
	}
	joined, err := f.Login.FinishJoin(r.Context(), b.visitor(r), secret.From(in.Ceremony), in.Credential)
	return b, in, joined, err
}

func plain(codes []secret.Text) []string {
	var list []string
	for _, c := range codes {
		list = append(list, login.FormatRecoveryCode(c))
	}
	return list
}
