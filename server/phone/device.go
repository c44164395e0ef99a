package phone

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// maxTyped bounds the typed code that is shown again.
const maxTyped = 32

// device asks for a code or, where the link brought one, asks the question. It
// approves nothing and changes nothing.
func (f *Face) device(w http.ResponseWriter, r *http.Request) error {
	b := f.welcome(w, r)
	typed := r.URL.Query().Get(wire.ParamUserCode)
	if typed == "" {
		f.show(w, r, http.StatusOK, mobileweb.EnterCode{})
		return nil
	}
	code, err := parseCode(typed)
	if err != nil {
		return err
	}
	sight, err := f.open(r, b, code, r.URL.Query().Get(wire.ParamLinkKey))
	if err != nil {
		return err
	}
	f.show(w, r, http.StatusOK, f.pageOf(b, sight))
	return nil
}

// enterCode takes a typed code and leads on to the page of that code, as if it
// had been scanned. It works without script.
func (f *Face) enterCode(w http.ResponseWriter, r *http.Request) error {
	b := f.welcome(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		return errBody
	}
	typed := r.PostForm.Get(wire.ParamUserCode)
	code, err := parseCode(typed)
	if err != nil {
		return err
	}
	if _, err := f.open(r, b, code, ""); errors.Is(err, login.ErrUnknownCode) {
		return errCode{clip(typed), mobileweb.CodeUnknown}
	} else if err != nil {
		return err
	}
	query := url.Values{wire.ParamUserCode: {code.String()}}
	http.Redirect(w, r, f.at(wire.PathDevice)+"?"+query.Encode(), http.StatusSeeOther)
	return nil
}

func parseCode(typed string) (grant.UserCode, error) {
	code, err := grant.ParseUserCode(typed)
	switch {
	case err == nil:
		return code, nil
	case typed == "":
		return "", errCode{"", mobileweb.CodeMissing}
	}
	return "", errCode{clip(typed), mobileweb.CodeMalformed}
}

func clip(typed string) string {
	if runes := []rune(typed); len(runes) > maxTyped {
		return string(runes[:maxTyped])
	}
	return typed
}

// look finds the grant of a handle in the request's path.
func (f *Face) look(r *http.Request, b browser) (login.Sight, error) {
	id, err := b.opened(r.PathValue("opening"))
	if err != nil {
		return login.Sight{}, err
	}
	return f.Login.Look(r.Context(), b.visitor(r), id)
}

// grantOf is the grant that a request to decide is about.
func (f *Face) grantOf(r *http.Request) (browser, auth.GrantID, error) {
	b := f.browser(r)
	id, err := b.opened(r.PathValue("opening"))
	return b, id, err
}
