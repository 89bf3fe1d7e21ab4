#!/bin/sh
# Make the virtual environment with this machine's own Python and install what uv.lock names.
#
#   scripts/bootstrap.sh [--dev]      --dev: also what tests and checks need
#
#   PYTHON   interpreter to use (default: the first of python3, python3.13, python3.12, python3.11 that is ≥ 3.11)
#   VENV     where to (default: .venv)
#
# Does nothing, at once, when uv.lock and pyproject.toml have not changed since the last time.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
VENV=${VENV:-.venv}
BOOTSTRAP=.cache/uv-$UV_VERSION

die() { echo "bootstrap: $*" >&2; exit 2; }

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if usable "$candidate"; then "$candidate" -c 'import sys; print(sys.executable)'; return; fi
    done
    die "Python 3.11 or newer is needed and not found (looked for: ${PYTHON:-python3 python3.13 python3.12 python3.11}); install it or set PYTHON=/path/to/python3"
}

groups=--no-dev
stamp=$VENV/.installed
if [ "${1:-}" = --dev ]; then groups=--dev; stamp=$VENV/.installed-dev; fi
if [ -e "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then exit 0; fi

python=$(find_python)
echo "Installing into $VENV with $python ..." >&2
if ! [ -x "$BOOTSTRAP/bin/uv" ]; then
    rm -rf "$BOOTSTRAP"
    "$python" -m venv "$BOOTSTRAP" 2>/dev/null || die "$python cannot make virtual environments; on Debian: apt install python3-venv"
    "$BOOTSTRAP/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
fi
# --inexact: `make run` after `make test` leaves the development tools where they are.
UV_PROJECT_ENVIRONMENT=$VENV "$BOOTSTRAP/bin/uv" sync --frozen --inexact --quiet $groups --python "$python"
touch "$stamp"
[ "$groups" = --no-dev ] || touch "$VENV/.installed"
