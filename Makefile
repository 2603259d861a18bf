# The front door. Everything is done by CMake and the scripts in tools/; see docs/contributing.md.
BUILD ?= build
JOBS ?= $(shell nproc)
NINJA = ninja -C $(BUILD) -j$(JOBS)

.PHONY: all demo test lint fix san tsan fuzz cov bench req soak man install clean help setup setup-test

all: $(BUILD)/build.ninja
	@$(NINJA)

help:
	@echo "make demo [DATA=file.csv]   watch it work: devices, operators, ledger, forgeries, offline verification"
	@echo "make test                   everything that CI runs"
	@echo "make all lint fix req       build; check the rules; format; requirement matrix"
	@echo "make san tsan cov           sanitizer builds with their tests; coverage"
	@echo "make fuzz T=name S=60       fuzz one decoder (each of them shortly without T)"
	@echo "make bench soak             measure; long campaigns (ROUNDS=n)"
	@echo "make install PREFIX=/usr/local DESTDIR="

setup:
	@sh tools/setup.sh build

setup-test:
	@sh tools/setup.sh test

$(BUILD)/build.ninja: | setup
	@cmake -S . -B $(BUILD) -G Ninja >/dev/null

demo: setup
	@cmake -S . -B $(BUILD) -G Ninja >/dev/null
	@$(NINJA) --quiet all
	@BUILD=$(BUILD) sh demo/run.sh $(DATA)

test: setup-test
	@bash tools/test.sh

lint: setup-test
	@bash tools/lint.sh

fix:
	@python3 tools/tree.py '*.c' '*.h' | xargs clang-format-14 -i

san tsan: setup-test
	@bash tools/sanitize.sh $@

fuzz: setup-test
	@bash tools/fuzz.sh "$(T)" "$(S)"

cov: setup-test
	@python3 tools/coverage.py $(if $(M),--missing $(M))

bench: setup
	@cmake -S . -B $(BUILD) -G Ninja >/dev/null
	@$(NINJA) --quiet all bench_programs
	@python3 tools/bench.py $(BUILD)

soak: setup-test
	@bash tools/soak.sh "$(or $(ROUNDS),50)"

req:
	@python3 tools/reqtrace.py

man: all
	@for p in vouch vouchd vouch-netsim; do python3 tools/mkman.py $(BUILD)/apps/$$p $(BUILD)/man; done

PREFIX ?= /usr/local
install: all man
	@cmake --install $(BUILD) --prefix $(PREFIX) >/dev/null
	@install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	@install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	@install -m 644 $(BUILD)/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	@echo "installed under $(DESTDIR)$(PREFIX): programs, manual pages, libvouch, headers, pkg-config"

clean:
	@rm -rf build build-*
