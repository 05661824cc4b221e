#!/usr/bin/env bash
# Debug server that is rebuilt and restarted on every change of a source; open pages load anew once it is back.
# A change that does not build leaves the running server alone.
set -euo pipefail
cd "$(dirname "$0")/.."
state() { find Cargo.toml app crates frontend processor server style tools tracker public data -type f -printf '%p %T@\n' | sort | cksum; }
child=
stop() {
  [ -n "$child" ] || return 0
  kill "$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
  child=
}
trap stop EXIT
trap 'exit 130' INT TERM
while true; do
  before=$(state)
  if node tools/data.mjs && node tools/assets.mjs --dev && cargo build -p footfall-server --bin footfall; then
    stop
    LEPTOS_WATCH=1 target/debug/footfall serve "$@" &
    child=$!
  fi
  while [ "$(state)" = "$before" ]; do sleep 1; done
done
