#!/bin/sh
# Installs one version of uv from PyPI into .tools/, with whatever is here: Python's venv or pip, or
# its standard library alone. Debian's Python has neither venv nor pip.
#
#     tools/install_uv.sh PYTHON VERSION
#
# Nothing outside the checkout changes, and nobody need be root.
set -eu

python=$1
version=$2
tools=.tools

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "set-up: $1"
    shift
    for line in "$@"; do say "    $line"; done
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    fail "there is no $python here" "install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.12"

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "$("$python" --version 2>&1 | head -n 1) is not one of 3.11, 3.12, 3.13" "name another: make PYTHON=python3.12"

is_installed() { [ "$("$tools/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$version" ]; }

with_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null || return 1
    "$python" -m venv --clear "$tools" >/dev/null || return 1
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$version"
}

with_pip() {
    "$python" -m pip --version >/dev/null 2>&1 || return 1
    "$python" -m pip install --quiet --disable-pip-version-check --upgrade \
        --target "$tools/site" "uv==$version" || return 1
    mkdir -p "$tools/bin"
    ln -sf ../site/bin/uv "$tools/bin/uv"
}

alone() {
    say "set-up: Python came without venv and pip; fetching uv itself"
    "$python" "$(dirname "$0")/fetch_uv.py" "$version" "$tools/bin/uv"
}

is_installed && exit 0
rm -rf "$tools"
say "set-up: uv $version into $tools/"
with_venv || with_pip || alone ||
    fail "uv $version could not be installed into $tools/" \
        "it needs PyPI, or the index that PIP_INDEX_URL names" \
        "what was wrong stands above"
is_installed || fail "uv $version was installed into $tools/, yet it does not run here"
