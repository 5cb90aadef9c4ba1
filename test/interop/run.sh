#!/bin/sh
# Checks a server with the OASIS TAXII client (taxii2-client 2.3.0): PASS and FAIL lines, exit 0, 1, or 77 = skipped.
set -eu
cd "$(dirname "$0")/../.."
skip() {
  echo "skipped: $1"
  exit 77
}
python=${PYTHON:-python3}
command -v "$python" >/dev/null 2>&1 || skip "Python 3"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
"$python" -m venv "$folder/venv" >"$folder/log" 2>&1 || skip "Python's venv module"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
  -r test/interop/requirements.txt >"$folder/log" 2>&1 || skip "taxii2-client 2.3.0 (pip install failed)"
npx tsc -p .
COMITY_INTEROP_PYTHON="$folder/venv/bin/python" node build/test/interop/oasis-client.js
