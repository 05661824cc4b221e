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

step "set-up" scripts/setup.sh tests
step "dashboard, tracker and data files" make --no-print-directory assets
step "format and lints" scripts/lint.sh
step "deployment files" deploy/check.sh
step "Rust tests" cargo test --locked --no-fail-fast
step "black-box tests on cluster engines" scripts/cluster-tests.sh
step "tracker core" cargo test --locked -p footfall-tracker
step "browser tests" scripts/browser-tests.sh
step "README, from its text" scripts/readme-test.sh
step "licences, bans and sources" scripts/deny.sh
echo
echo "all checks passed after $SECONDS s"
