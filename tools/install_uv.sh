#!/bin/sh
# Installs one version of uv from PyPI into .tools/, with whatever of venv, pip and apt is here.
#
#     tools/install_uv.sh PYTHON VERSION
#
# Nothing outside the checkout changes, except where Python came without both venv and pip and we
# are root (or may become it): then Debian's python3-venv is installed.
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

with_apt() {
    command -v apt-get >/dev/null 2>&1 || return 1
    become=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null || return 1
        become="sudo -n"
    fi
    package="$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    say "set-up: Python came without venv and pip; installing $package"
    $become apt-get update -qq >&2 &&
        $become env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
            -y "$package" >/dev/null &&
        with_venv
}

is_installed && exit 0
rm -rf "$tools"
say "set-up: uv $version into $tools/"
with_venv || with_pip || with_apt ||
    fail "uv $version could not be installed into $tools/" \
        "it needs PyPI, and Python's venv or pip; on Debian: apt-get install python3-venv" \
        "what pip said stands above"
is_installed || fail "uv $version was installed into $tools/, yet it does not run here"
