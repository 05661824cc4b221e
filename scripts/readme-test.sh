#!/usr/bin/env bash
# Runs the README's commands as they stand in its text, in their order of use, on an empty data folder: first one machine, then the cluster.
#   scripts/readme-test.sh [machine|cluster]    one part alone
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:-}
data=$(mktemp -d)
export FOOTFALL_DATA="$data/data" FOOTFALL_METRICS_LISTEN=127.0.0.1:0
log="$data/log"
server=
stop() {
  if [ -n "$server" ]; then
    # The server is the child of make.
    pkill -TERM -P "$server" 2>/dev/null || kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
  fi
}
trap 'stop; rm -rf "$data"' EXIT

fail() { echo "$*"; exit 1; }
# The nth block of a language, between its fences.
block() { awk -v lang="$1" -v want="$2" '$0 == "```" lang { n++; on = (n == want); next } $0 == "```" { on = 0 } on' README.md; }
pause() { read -rt 0.5 <> <(:) || true; }

# Starts what the nth block says and waits until it is ready.
start() {
  local command
  command=$(block sh "$1")
  [ "$command" = "$2" ] || fail "block $1 of the README is \`$command\`, not \`$2\`"
  : > "$log"
  bash -c "exec $command" > "$log" 2>&1 &
  server=$!
  for _ in $(seq 1 4800); do
    grep -q '^  ready' "$log" && break
    kill -0 "$server" 2>/dev/null || { cat "$log"; fail "$command ended early"; }
    pause
  done
  grep -q '^  ready' "$log" || { cat "$log"; fail "$command did not get ready"; }
  sed -n '/^Footfall/,/^  ready/p; /^  open/,/^  ready/p' "$log" | awk '!seen[$0]++'
  local page
  page=$(curl -fsS "$(awk '$1 == "setup" {print $2}' "$log")")
  [[ "$page" == *'name="password"'* ]] || fail "the set-up link shows no form"
}

machine() {
  start 1 "make run"
  local commands script snippet answer
  commands=$(block sh 3)
  [[ "$commands" == *'site add example.org'* ]] || fail "the README's command line block has changed its place"
  bash -euo pipefail -c "$commands"
  script=$(curl -fsS http://127.0.0.1:8080/tracker.js)
  [[ "$script" == *footfall* ]] || fail "the tracker is not served"
  snippet=$(block html 1)
  [[ "$snippet" == *'src="http://127.0.0.1:8080/tracker.js"'* ]] || fail "the README's snippet names another tracker"
  answer=$(bash -c "$(block sh 2)" 2>/dev/null)
  [[ "$answer" == *' 202 '* ]] || fail "the README's curl was answered with: $answer"
  stop
}

cluster() {
  start 4 "make cluster"
  local commands answer key query
  commands=$(block sh 5)
  [[ "$commands" == *'--config data/cluster/footfall.toml'* ]] || fail "the README's commands for the cluster have changed their place"
  answer=$(bash -euo pipefail -c "$commands" 2>/dev/null)
  [[ "$answer" == *' 202 '* ]] || fail "the README's curl was answered by the cluster with: $answer"
  key=$(target/release/footfall --config data/cluster/footfall.toml token add --domain example.org --scopes stats:read)
  query='{"site_id":"example.org","metrics":["pageviews"],"date_range":"all"}'
  for _ in $(seq 1 60); do
    answer=$(curl -fsS http://127.0.0.1:8080/api/v2/query -H "Authorization: Bearer $key" -d "$query" || true)
    [[ "$answer" == *'"metrics":[1]'* ]] && break
    pause
  done
  [[ "$answer" == *'"metrics":[1]'* ]] || fail "the pageview is not counted by the cluster: $answer"
  stop
  grep '^  ready' "$log"
  # The settings of each role, as the table starts it.
  commands=$(block sh 6)
  local starts
  starts=$(grep -oE '`[A-Z_]+=[0-9]+ footfall serve --roles [a-z,]+`' README.md | tr -d '`')
  [ "$(wc -l <<< "$starts")" = 3 ] || fail "the README's table of roles has changed"
  while read -r line; do
    bash -euo pipefail -c "$commands
      ${line%% *} FOOTFALL_ROLES=${line##* } target/release/footfall config check" > /dev/null || fail "a role's settings are refused: $line"
  done <<< "$starts"
}

[ "$part" = cluster ] || machine
[ "$part" = machine ] || cluster
echo "README: every command does what it says"
