package mobileweb

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// ContentSecurityPolicy is the policy that every page works under, for the header of the same name.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

//go:embed templates
var templateFiles embed.FS

// Options says whose pages these are.
type Options struct {
	Brand Brand
	Host  string // shown on top, such as "login.acme.example"
	Base  string // path of the issuer, "" or "/auth"; every link, form and asset begins with it
}

// Brand is what an operator may make their own.
type Brand struct {
	Name   string // default: the host
	Accent string // #rrggbb; default: the product's blue
	Logo   string // path on this origin, or a data:image URL; default: the product's mark
}

// A Site renders the pages. It is immutable and safe for use by many goroutines.
type Site struct {
	options  Options
	assets   assets
	matcher  language.Matcher
	editions []edition // one a language, in the matcher's order
}

// edition is the whole site in one language.
type edition struct {
	words words
	pages map[string]*template.Template
	busy  map[Busy][]byte // ready to be written: to refuse has to cost less than to serve
}

// New parses templates and catalogs and makes the assets. It reports all faults of the options at once.
func New(options Options) (*Site, error) {
	if options.Brand.Name == "" {
		options.Brand.Name = options.Host
	}
	if options.Brand.Accent == "" {
		options.Brand.Accent = defaultAccent
	}
	accent, err := parseColour(options.Brand.Accent)
	if err := errors.Join(err, checkBase(options.Base), checkLogo(options.Brand.Logo)); err != nil {
		return nil, fmt.Errorf("mobileweb: %w", err)
	}
	files, err := newAssets(accent)
	if err != nil {
		return nil, fmt.Errorf("mobileweb: %w", err)
	}
	site := &Site{options: options, assets: files}
	if err := site.translate(catalogFiles); err != nil {
		return nil, fmt.Errorf("mobileweb: %w", err)
	}
	return site, nil
}

func checkBase(base string) error {
	if base == "" || base[0] == '/' && path.Clean(base) == base && base != "/" {
		return nil
	}
	return fmt.Errorf("base %q is neither empty nor a clean path such as /auth", base)
}

// checkLogo allows what the policy's img-src allows.
func checkLogo(logo string) error {
	onOrigin := strings.HasPrefix(logo, "/") && !strings.HasPrefix(logo, "//")
	if logo == "" || onOrigin || strings.HasPrefix(logo, "data:image/") {
		return nil
	}
	return fmt.Errorf("logo %q is neither a path on this host nor a data:image URL", logo)
}

// translate prepares an edition for each catalog.
func (s *Site) translate(catalogs fs.FS) error {
	bundle, tags, err := readCatalogs(catalogs)
	if err != nil {
		return err
	}
	s.matcher = language.NewMatcher(tags)
	for _, tag := range tags {
		e := edition{words: words{tag, i18n.NewLocalizer(bundle, tag.String())}}
		if e.pages, err = s.parse(e.words); err != nil {
			return err
		}
		for _, sentence := range sentences {
			if _, err := e.words.say(string(sentence)); err != nil {
				return err
			}
		}
		if e.busy, err = e.refusals(); err != nil {
			return err
		}
		s.editions = append(s.editions, e)
	}
	return nil
}

// parse reads the page templates, each with the layout around it, bound to one language.
func (s *Site) parse(w words) (map[string]*template.Template, error) {
	frame, err := template.New("layout.html").Funcs(s.functions(w)).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	pages := make(map[string]*template.Template, len(names))
	for _, name := range names {
		page, err := frame.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, name)
		}
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return pages, nil
}

// functions are the vocabulary of the templates.
func (s *Site) functions(w words) template.FuncMap {
	return template.FuncMap{
		"t":       w.say,
		"tn":      w.count,
		"ago":     w.ago,
		"wait":    w.wait,
		"device":  w.device,
		"here":    w.here,
		"app":     w.app,
		"warning": w.warning,
		"tame":    tame,

		"lang":  func() string { return w.tag.String() },
		"brand": func() Brand { return s.options.Brand },
		"host":  func() string { return s.options.Host },
		"logo":  func() template.URL { return template.URL(s.options.Brand.Logo) }, // vetted by checkLogo
		"asset": s.asset,
		"path":  s.path,

		"clock":   clock,
		"spell":   spell,
		"letters": func(s string) []string { return strings.Split(s, "") },
		"seconds": func(d time.Duration) int { return max(0, int(d/time.Second)) },
		"date":    func(at time.Time) string { return at.UTC().Format(time.DateOnly) },
		"moment":  func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
	}
}

// asset returns the path of a file that pages load.
func (s *Site) asset(kind string) (string, error) {
	file, ok := map[string]asset{"script": s.assets.script, "style": s.assets.style, "icon": s.assets.icon}[kind]
	if !ok {
		return "", fmt.Errorf("no asset %q", kind)
	}
	return s.path("assets", file.name), nil
}

// path joins elements to a path below Base; each element is escaped.
func (s *Site) path(elements ...string) string {
	var b strings.Builder
	b.WriteString(s.options.Base)
	for _, e := range elements {
		b.WriteString("/" + url.PathEscape(e))
	}
	return b.String()
}

// clock shows a time that is left as minutes and seconds: 4:12.
func clock(d time.Duration) string {
	left := max(0, int(d/time.Second))
	return fmt.Sprintf("%d:%02d", left/60, left%60)
}

// refusals renders what is shown to many at a time.
func (e edition) refusals() (map[Busy][]byte, error) {
	ready := make(map[Busy][]byte)
	for _, page := range []Busy{{Reload: true}, {Reload: false}} {
		html, err := e.render(page)
		if err != nil {
			return nil, err
		}
		ready[page] = html
	}
	return ready, nil
}

func (e edition) render(page Page) ([]byte, error) {
	if busy, ok := page.(Busy); ok && e.busy[busy] != nil {
		return e.busy[busy], nil
	}
	tmpl, ok := e.pages[page.template()]
	if !ok {
		return nil, fmt.Errorf("render %T: no template %q", page, page.template())
	}
	var html bytes.Buffer
	if err := tmpl.Execute(&html, page); err != nil {
		return nil, fmt.Errorf("render %T: %w", page, err)
	}
	return html.Bytes(), nil
}

// Render writes the page in the language that suits the Accept-Language header best. It writes nothing when it
// fails, so that the caller can still answer with another page.
func (s *Site) Render(w io.Writer, acceptLanguage string, page Page) error {
	html, err := s.edition(acceptLanguage).render(page)
	if err != nil {
		return err
	}
	if _, err := w.Write(html); err != nil {
		return fmt.Errorf("write %T: %w", page, err)
	}
	return nil
}

// edition chooses by Accept-Language; what suits nothing, or cannot be read, gets English.
func (s *Site) edition(acceptLanguage string) edition {
	_, index := language.MatchStrings(s.matcher, acceptLanguage)
	return s.editions[index]
}
