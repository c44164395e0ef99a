# The verbs of the project. `make` alone lists them.

GO            ?= go
STATICCHECK    = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT        = mvdan.cc/gofumpt@v0.12.0
GOVULNCHECK    = golang.org/x/vuln/cmd/govulncheck@latest
FUZZTIME      ?= 20s

.PHONY: help demo test soak lint vuln bench bench-go bench-profile fuzz build screenshots deps clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

demo: ## run a server and the demo app on this machine
	@GO="$(GO)" deploy/demo.sh

# Without the cache of results: it does not know of the commands that the
# end-to-end tests build.
test: deps ## all tests, with the race detector, browser and window included
	$(GO) test -race -count=1 -timeout 30m ./...

# Without the race detector, which `make test` has, there is more under way at each cut.
soak: ## a hundred power cuts under load and the other long endurance tests (docs/endurance.md)
	$(GO) test -count=1 -v -timeout 60m ./internal/endurance -kills 100

lint: ## formatting, vet, staticcheck
	@unformatted=$$($(GO) run $(GOFUMPT) -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofumpt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

vuln: ## known vulnerabilities in what we link
	$(GO) run $(GOVULNCHECK) ./...

# A saved run to compare with is dist/bench.json of another time, or docs/bench.json.
BENCH         ?=
BENCH_SAVED   ?= $(wildcard docs/bench.json)

bench: ## a built server beside a bare handler, in ten minutes; BENCH=-short for two (docs/benchmarks.md)
	GO="$(GO)" $(GO) run ./internal/bench -data dist -json dist/bench.json $(BENCH_SAVED:%=-compare %) $(BENCH)

bench-go: ## Go's benchmarks of single packages
	$(GO) test -run '^$$' -bench . -benchmem ./internal/... ./server/...

bench-profile: ## dist/profiles: what each kind of request costs, by function
	GO="$(GO)" $(GO) run ./internal/bench -data dist -profile dist/profiles $(BENCH)

fuzz: ## each parser of outside input for FUZZTIME
	@git grep -o '^func Fuzz[A-Za-z]*' -- '*_test.go' | sed 's|/[^/]*_test.go:func |:|' | while IFS=: read -r dir target; do \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "./$$dir" || exit 1; done

build: ## bin/qrauthd, stripped
	$(GO) build -trimpath -ldflags '-s -w' -o bin/qrauthd ./cmd/qrauthd

screenshots: deps ## docs/screenshots, taken by the end-to-end tests
	rm -rf docs/screenshots && mkdir -p docs/screenshots
	E2E_SCREENSHOTS=$(CURDIR)/docs/screenshots $(GO) test -count=1 -timeout 30m ./internal/e2e
	mogrify -strip +dither -colors 256 -white-threshold 99.5% -define png:compression-level=9 docs/screenshots/*.png

deps: ## the Debian packages that tests and the demo's window need
	@deploy/deps.sh

clean: ## what was built
	rm -rf bin dist
