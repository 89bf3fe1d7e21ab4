#!/bin/sh
# Make the virtual environment with this machine's own Python and install what uv.lock names.
#
#   scripts/bootstrap.sh [--dev] [--extra NAME]... [--reinstall]
#
#   --dev          also what tests and checks need
#   --extra NAME   also an optional part of pyproject.toml: onnx-asr, smart-turn; from then on every run keeps it
#   --reinstall    everything anew, where files of a package are damaged or missing
#
#   PYTHON   interpreter to use (default: the first of python3, python3.13, python3.12, python3.11 that is ≥ 3.11)
#   VENV     where to (default: .venv)
#
# Does nothing, at once, when what is asked for is there and uv.lock and pyproject.toml have not changed since.
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
extras_file=$VENV/.extras
asked=
reinstall=
while [ $# -gt 0 ]; do
    case $1 in
        --dev) groups=--dev; stamp=$VENV/.installed-dev ;;
        --extra) asked="$asked ${2:?bootstrap: --extra needs a name}"; shift ;;
        --reinstall) reinstall=--reinstall ;;
        *) die "unknown option $1; known: --dev, --extra NAME, --reinstall" ;;
    esac
    shift
done

extras=$(cat "$extras_file" 2>/dev/null || true)
missing=$reinstall
for name in $asked; do
    case " $extras " in *" $name "*) ;; *) extras="$extras $name"; missing=yes ;; esac
done
if [ -z "$missing" ] && [ -e "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then exit 0; fi

python=$(find_python)
echo "Installing into $VENV with $python ..." >&2
if ! [ -x "$BOOTSTRAP/bin/uv" ]; then
    rm -rf "$BOOTSTRAP"
    "$python" -m venv "$BOOTSTRAP" 2>/dev/null || die "$python cannot make virtual environments; on Debian: apt install python3-venv"
    "$BOOTSTRAP/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
fi
options=
for name in $extras; do options="$options --extra $name"; done
# --inexact: `make run` after `make test` leaves the development tools where they are.
UV_PROJECT_ENVIRONMENT=$VENV "$BOOTSTRAP/bin/uv" sync --frozen --inexact --quiet $groups $reinstall $options --python "$python"
echo $extras >"$extras_file"
touch "$stamp"
[ "$groups" = --no-dev ] || touch "$VENV/.installed"
