#!/usr/bin/env bash
# Licences, bans and sources of all dependencies. Advisories need their database, which not every network reaches.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
deny=target/tools/bin/cargo-deny
if ! "$deny" --version 2>/dev/null | grep -q "$version"; then
  cargo install --quiet --locked "cargo-deny@$version" --root target/tools
fi
"$deny" --log-level error check licenses bans sources
if timeout 60 "$deny" --log-level error fetch db >/dev/null 2>&1; then
  "$deny" --log-level error check advisories
else
  echo "advisories: not checked (their database cannot be reached from here)"
fi
