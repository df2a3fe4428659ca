#!/usr/bin/env bash
# Every relative link of the Markdown files leads to a file that is there. Usage: scripts/links.sh
set -euo pipefail
cd "$(dirname "$0")/.."
missing=0
while IFS=: read -r file link; do
    target=${link%%#*}
    if [ -n "$target" ] && [ ! -e "$(dirname "$file")/$target" ]; then
        echo "$file: no $target"
        missing=1
    fi
done < <(git ls-files '*.md' | xargs grep -oHE '\]\([^)]+\)' | grep -vE '\]\((https?:|mailto:)' | sed -E 's/\]\(([^)]*)\)/\1/')
exit "$missing"
