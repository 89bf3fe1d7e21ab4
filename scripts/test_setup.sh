#!/bin/bash
# Install what the tests need beside Python packages: the Asterisk lab, a Russian voice for the scripted caller and the
# calls that are listened to, a Redis and a PostgreSQL server, and the browser that opens the panel. Root is needed; without it
# the end-to-end tests are left out, loudly.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
command -v festival >/dev/null || packages+=(festival)
[[ -d /usr/share/festival/voices/russian ]] || packages+=(festvox-ru)
command -v redis-server >/dev/null || packages+=(redis-server)
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || packages+=(postgresql)
command -v chromium >/dev/null || packages+=(chromium fonts-dejavu-core)

if [[ $EUID -ne 0 ]]; then
    echo "############################################################################" >&2
    echo "# Not root: the Asterisk lab cannot be used. END-TO-END TESTS ARE LEFT OUT. #" >&2
    echo "############################################################################" >&2
    exit 0
fi
if ((${#packages[@]})); then
    echo "Installing ${packages[*]} ..." >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
tests/asterisk_lab/install.sh
