#!/bin/sh
# First start only: the product's own role, which owns its database and nothing else.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set password="$(cat /run/secrets/accounts_password)" <<'SQL'
CREATE ROLE footfall LOGIN PASSWORD :'password';
CREATE DATABASE footfall OWNER footfall;
REVOKE ALL ON DATABASE footfall FROM PUBLIC;
SQL
