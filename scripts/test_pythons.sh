#!/bin/bash
# Run the tests that need no telephone and no minutes on every other supported Python of this machine, side by side.
set -euo pipefail
cd "$(dirname "$0")/.."

find_version() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            command -v "$candidate"; return
        fi
    done
}

main=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
versions=()
for version in 3.11 3.12 3.13; do
    [[ $version == "$main" ]] && continue
    python=$(find_version "$version" || true)
    if [[ -z $python ]]; then echo "Python $version is not on this machine: not tested with it" >&2; continue; fi
    echo "== Python $version: installing" >&2
    PYTHON=$python VENV=.venv-$version scripts/bootstrap.sh --dev
    versions+=("$version")
done

logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT
runs=()
for version in "${versions[@]}"; do
    echo "== Python $version: testing" >&2
    ".venv-$version/bin/python" -m pytest -q -m "not e2e and not long" -o cache_dir=".cache/pytest-$version" >"$logs/$version" 2>&1 &
    runs+=($!)
done

failed=0
for index in "${!runs[@]}"; do
    version=${versions[$index]}
    if wait "${runs[$index]}"; then
        echo "== Python $version: $(tail -n 1 "$logs/$version")"
    else
        failed=1
        echo "== Python $version failed"
        cat "$logs/$version"
    fi
done
exit $failed
