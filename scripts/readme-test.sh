#!/usr/bin/env bash
# Runs the README's commands as they stand in its text, in their order of use, on an empty data folder.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
export FOOTFALL_DATA="$data/data" FOOTFALL_METRICS_LISTEN=127.0.0.1:0
log="$data/log"
server=
cleanup() {
  if [ -n "$server" ]; then
    # The server is the child of make: it is asked by its own id, which it holds its lock under.
    pkill -TERM -P "$server" 2>/dev/null || kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$data"
}
trap cleanup EXIT

# The nth block of a language, between its fences.
block() { awk -v lang="$1" -v want="$2" '$0 == "```" lang { n++; on = (n == want); next } $0 == "```" { on = 0 } on' README.md; }

start=$(block sh 1)
[ "$start" = "make run" ] || { echo "the README's first command is \`$start\`, not \`make run\`"; exit 1; }
bash -c "exec $start" > "$log" 2>&1 &
server=$!
for _ in $(seq 1 4800); do
  grep -q '^  ready' "$log" && break
  kill -0 "$server" 2>/dev/null || { cat "$log"; echo "make run ended early"; exit 1; }
  read -rt 0.5 <> <(:) || true
done
grep -q '^  ready' "$log" || { cat "$log"; echo "make run did not get ready"; exit 1; }
sed -n '/^Footfall/,/^  ready/p' "$log"

setup=$(awk '$1 == "setup" {print $2}' "$log")
page=$(curl -fsS "$setup")
[[ "$page" == *'name="password"'* ]] || { echo "the set-up link shows no form"; exit 1; }

commands=$(block sh 3)
[[ "$commands" == *'site add example.org'* ]] || { echo "the README's command line block has changed its place"; exit 1; }
bash -euo pipefail -c "$commands"
script=$(curl -fsS http://127.0.0.1:8080/tracker.js)
[[ "$script" == *footfall* ]] || { echo "the tracker is not served"; exit 1; }
snippet=$(block html 1)
[[ "$snippet" == *'src="http://127.0.0.1:8080/tracker.js"'* ]] || { echo "the README's snippet names another tracker"; exit 1; }
answer=$(bash -c "$(block sh 2)" 2>/dev/null)
[[ "$answer" == *' 202 '* ]] || { echo "the README's curl was answered with: $answer"; exit 1; }
echo "README: every command does what it says"
