package phone

import (
	"encoding/json"
	"mime"
	"net/http"
)

// location tells the script where to go.
type location struct {
	Location      string   `json:"location"`
	Return        string   `json:"return,omitempty"` // see wayBack
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

// begun is a ceremony's options with the handle to bring back. The options come
// as {"publicKey": …}.
type begun struct {
	Ceremony  string          `json:"ceremony"`
	PublicKey json.RawMessage `json:"publicKey"`
}

// answered is what the script sends when a ceremony is done.
type answered struct {
	Ceremony   string          `json:"ceremony"`
	For        string          `json:"for"`
	Next       string          `json:"next"` // where a sign-in leads; see landingOf
	Credential json.RawMessage `json:"credential"`
}

// saysJSON reports whether the body is declared as JSON, which a browser does not
// let another origin's page send without asking first.
func saysJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// read decodes a JSON body.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAnswer)).Decode(into); err != nil {
		return errBody
	}
	return nil
}

// publicKey takes the member of that name out of a ceremony's options.
func publicKey(options json.RawMessage) (json.RawMessage, error) {
	var o struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	err := json.Unmarshal(options, &o)
	return o.PublicKey, err
}
