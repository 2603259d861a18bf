#!/bin/sh
# The demo, after a build: demo/run.sh [DATA.csv]
set -eu
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1
exec python3 demo/demo.py "$@"
