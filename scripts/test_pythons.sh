#!/bin/bash
# Run the tests that need no telephone on every other supported Python of this machine.
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
for version in 3.11 3.12 3.13; do
    [[ $version == "$main" ]] && continue
    python=$(find_version "$version" || true)
    if [[ -z $python ]]; then echo "Python $version is not on this machine: not tested with it" >&2; continue; fi
    echo "== Python $version" >&2
    PYTHON=$python VENV=.venv-$version scripts/bootstrap.sh --dev
    ".venv-$version/bin/python" -m pytest -q -m "not e2e"
done
