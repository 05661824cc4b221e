#!/usr/bin/env bash
# Checks what is deployed, as far as that goes without a container engine: compose file, secrets, ClickHouse's XML, scripts. Needs the npm
# parts (scripts/setup.sh) and python3; takes a second. With Docker's compose plug-in installed it is asked as well.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -d node_modules/dclint ] || { echo "npm parts are missing: run scripts/setup.sh" >&2; exit 1; }
node deploy/check.mjs

for file in deploy/clickhouse/*.xml; do
  python3 -c 'import sys, xml.dom.minidom as dom; assert dom.parse(sys.argv[1]).documentElement.tagName == "clickhouse"' "$file" \
    || { echo "$file is not well-formed, or not of ClickHouse" >&2; exit 1; }
done
echo "deploy/clickhouse: well-formed"

for script in deploy/*.sh; do bash -n "$script"; done
for script in deploy/postgres/*.sh; do sh -n "$script"; done
grep -q '^USER footfall$' deploy/Dockerfile || { echo "deploy/Dockerfile: the image has to run as a user of its own" >&2; exit 1; }
! grep -q '^ENV.*FOOTFALL_LISTEN' deploy/Dockerfile || { echo "deploy/Dockerfile: FOOTFALL_LISTEN would win over a platform's PORT" >&2; exit 1; }
echo "scripts: no syntax errors"

if docker compose version >/dev/null 2>&1; then
  for profile in "" dev cluster; do docker compose --profile "$profile" config --quiet; done
  echo "docker compose: accepts every profile"
fi
