#!/usr/bin/env bash
# Debug server that is rebuilt and restarted on every change of a Rust source, and pages rebuilt with it.
# With cargo-leptos installed (`cargo install cargo-leptos --features no_downloads`) pages reload by themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
node tools/data.mjs
if command -v cargo-leptos >/dev/null; then
  node tools/assets.mjs --dev
  exec cargo leptos watch -- serve "$@"
fi
state() { find app crates frontend processor server style tracker public -type f -printf '%p %T@\n' | sort | cksum; }
child=
stop() { [ -z "$child" ] || kill "$child" 2>/dev/null || true; }
trap stop EXIT
while true; do
  before=$(state)
  stop
  if node tools/assets.mjs --dev && cargo build -p footfall-server --bin footfall; then
    target/debug/footfall serve "$@" &
    child=$!
  fi
  while [ "$(state)" = "$before" ]; do read -rt 1 <> <(:) || true; done
done
