#!/bin/sh
# Usage: sh .ci/venv.sh FOLDER [GROUP...]
#
# Makes a virtual environment in FOLDER and installs requirements.txt and the named dependency groups of
# pyproject.toml into it. Does nothing when that was done before and neither file has changed since.
# PYTHON names the interpreter; without it, the first one on PATH that is new enough is taken.
set -eu

folder=$1
shift
python=$folder/bin/python

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

usable() {
    new_enough "$1" && "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        usable "$PYTHON" && echo "$PYTHON" && return
        echo "PYTHON=$PYTHON is not Python 3.11 or later with the venv module." >&2
        return 1
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        usable "$candidate" && echo "$candidate" && return
    done
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            echo "$candidate is new enough but lacks the venv module (Debian, Ubuntu: apt install python3-venv)." >&2
            return 1
        fi
    done
    echo "Python 3.11 or later is needed and none is on PATH: install one, or name it with PYTHON=/path/to/python3." >&2
    return 1
}

# A folder whose interpreter has gone, is too old, or whose creation was interrupted is made anew.
if ! new_enough "$python" || ! "$python" -c 'import pip' 2>/dev/null; then
    found=$(find_python)
    echo "Making a virtual environment in $folder with $("$found" --version)"
    "$found" -m venv --clear "$folder"
fi

wanted=$(cat requirements.txt pyproject.toml | cksum)

install() {
    stamp=$folder/.installed-$1
    shift
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing into $folder: $*"
        # Dependency groups need pip 25.1.
        "$python" -m pip install -qq --disable-pip-version-check "pip>=25.1"
        "$python" -m pip install -qq --disable-pip-version-check "$@"
        echo "$wanted" >"$stamp"
    fi
}

if [ $# -eq 0 ]; then
    install site -r requirements.txt
fi
for group in "$@"; do
    install "$group" -r requirements.txt --group "$group"
done
