PREFIX ?= $(HOME)/.local

.PHONY: all build test install uninstall

all: build

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund || npm install --no-save --no-audit --no-fund

build: node_modules/.package-lock.json
	sh scripts/build

test:
	npm test

# Installing what was built by somebody else needs no npm.
install:
	@[ -f dist/main.js ] || $(MAKE) build
	sh scripts/install $(abspath $(PREFIX))

uninstall:
	sh scripts/install --uninstall $(abspath $(PREFIX))
