#!/usr/bin/env bash
# Everything CI checks, in the order that finds faults soonest for the time it takes. Each step prints how long it took.
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
  local name=$1 begin=$SECONDS
  shift
  printf '\n── %s\n' "$name"
  if "$@"; then printf '── %s: passed after %d s\n' "$name" $((SECONDS - begin)); else
    printf '── %s: FAILED after %d s\n' "$name" $((SECONDS - begin))
    exit 1
  fi
}

# The debug build has done its work here; where the disk is small, the release build and the stores of the README's commands need its room.
free_gb() { df --output=avail -BG . | tail -1 | tr -dc 0-9; }
make_room() {
  echo "$(free_gb) GB are free, $(du -sh target | cut -f1) are in target"
  if [ "$(free_gb)" -lt 15 ]; then rm -rf target/debug && echo "$(free_gb) GB without the debug build"; fi
}

step "set-up" scripts/setup.sh tests
step "dashboard, tracker and data files" make --no-print-directory assets
step "format and lints" scripts/lint.sh
step "deployment files" deploy/check.sh
step "Rust tests" cargo test --locked --no-fail-fast
step "black-box tests on cluster engines" scripts/cluster-tests.sh
step "tracker core" cargo test --locked -p footfall-tracker
step "browser tests" scripts/browser-tests.sh
step "room for the release build" make_room
step "README, from its text" scripts/readme-test.sh
step "licences, bans and sources" scripts/deny.sh
echo
echo "all checks passed after $SECONDS s"
