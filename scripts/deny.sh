#!/usr/bin/env bash
# Checks all dependencies: licences, sources, bans, and known advisories. Usage: scripts/deny.sh
#
# Needs cargo-deny (cargo install --locked cargo-deny). Advisories are downloaded; where that cannot
# be done this is said, and the rest is checked.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo deny --version > /dev/null 2>&1; then
    echo "cargo-deny is not installed: cargo install --locked cargo-deny" >&2
    exit 2
fi
cargo deny --workspace check licenses bans sources
if cargo deny fetch db > /dev/null 2>&1; then
    cargo deny --workspace check advisories
else
    printf '\n!! the advisories could not be downloaded: they are NOT CHECKED\n\n'
fi
