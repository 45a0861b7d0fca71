# Sourced by bin/demo and bin/test, in the project's folder: makes .venv what the requirements say.

# The pins have wheels for Python 3.OLDEST to 3.NEWEST; pyproject.toml says the same.
OLDEST=11
NEWEST=14

fail() {
    printf '%s: %s\n' "$0" "$1" >&2
    exit 1
}

# Refuse a machine without wheels before anything is downloaded: nobody builds PyTorch or Valkey by starting a demo.
check_machine() {
    local machine libc
    machine="$(uname -s) on $(uname -m)"
    case $machine in
    'Darwin on arm64') return ;;
    'Linux on x86_64' | 'Linux on aarch64')
        libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc='another C library than glibc'
        case ${libc#glibc 2.} in
        [0-9] | 1[0-9] | 2[0-7] | *[!0-9]*) machine="$machine with $libc" ;;
        *) return ;;
        esac
        ;;
    esac
    fail "needs Linux on x86-64 or ARM64 with glibc 2.28 or newer, or macOS on ARM; there is no PyTorch for $machine."
}

# What a Python can do: "venv", "pip" (fill an environment from outside), "bare" (neither); nothing where the pins are
# not for it.
ability() {
    "$1" - "$OLDEST" "$NEWEST" 2>/dev/null <<'PYTHON' || true
import sys

oldest, newest = map(int, sys.argv[1:])
if sys.version_info[0] == 3 and oldest <= sys.version_info[1] <= newest and sys.maxsize > 2**32:
    from importlib.util import find_spec
    from sysconfig import get_config_var

    if not get_config_var("Py_GIL_DISABLED"):
        print("bare" if not find_spec("venv") else "venv" if find_spec("ensurepip") else "pip" if find_spec("pip") else "bare")
PYTHON
}

make_venv() {
    local name with_pip='' bare=''
    check_machine
    if [ ! -w . ] || { [ -e .venv ] && [ ! -w .venv ]; }; then
        fail "the folder '$PWD' cannot be written to: start it from a copy of DCMRS in a folder of yours."
    fi
    for name in python3.11 python3.12 python3.13 python3.14 python3 python; do
        case $(ability "$name") in
        venv)
            echo "Making .venv with $("$name" --version)"
            "$name" -m venv --clear .venv || fail "$name could not make .venv; its message is above."
            return
            ;;
        pip) with_pip=${with_pip:-$name} ;;
        bare) bare=${bare:-$name} ;;
        esac
    done
    if [ -n "$with_pip" ]; then # Debian keeps ensurepip in a package of its own, but the pip that is there will do.
        echo "Making .venv with $("$with_pip" --version)"
        "$with_pip" -m venv --clear --without-pip .venv || fail "$with_pip could not make .venv; its message is above."
        "$with_pip" -m pip --python .venv/bin/python install --quiet pip ||
            fail "the pip of $with_pip could not fill .venv; its message is above. Or install python3-venv or uv."
    elif command -v uv >/dev/null; then # It needs neither venv nor pip, and brings a Python where there is none.
        echo "Making .venv with $(uv --version)"
        uv venv --quiet --no-cache --clear --seed --python ">=3.$OLDEST,<3.$((NEWEST + 1))" .venv ||
            fail "uv could not make .venv; its message is above."
    elif [ -n "$bare" ]; then
        fail "$bare has neither venv nor pip: install python3-venv (as Debian and Ubuntu call it) or uv."
    else
        fail "Python 3.$OLDEST to 3.$NEWEST is needed, and not found: install one (https://www.python.org/downloads/) or uv."
    fi
}

# PyPI's torch for Linux brings gigabytes of CUDA; PyTorch's own index has the same version without.
PYTORCH_CPU=https://download.pytorch.org/whl/cpu

can_reach_pytorch() {
    .venv/bin/python - "$PYTORCH_CPU/torch/" <<'PYTHON'
import sys
import threading
import urllib.request

answered = threading.Event()


def ask() -> None:
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5).close()
    except OSError:
        return
    answered.set()


threading.Thread(target=ask, daemon=True).start()
sys.exit(not answered.wait(6))
PYTHON
}

# install FILE: what a file of requirements names. With uv where it is there, unless pip has been told of another index
# or a folder of wheels, which uv does not read.
install() {
    if command -v uv >/dev/null && [ -z "${PIP_INDEX_URL-}${PIP_EXTRA_INDEX_URL-}${PIP_FIND_LINKS-}${PIP_CONFIG_FILE-}" ] &&
        [ -z "$(.venv/bin/python -m pip config list 2>/dev/null)" ]; then
        uv pip install --quiet --python .venv/bin/python -r "$1" && return
        echo "uv could not install $1: pip tries."
    fi
    .venv/bin/python -m pip install $quiet -r "$1"
}

install_torch() {
    local torch
    torch=$(grep '^torch==' requirements.txt)
    if [ "$(uname -s)" = Linux ] && ! .venv/bin/python -m pip freeze | grep "^$torch" >/dev/null &&
        can_reach_pytorch; then
        .venv/bin/python -m pip install $quiet --no-deps --extra-index-url "$PYTORCH_CPU" "$torch"
    fi
}

# ensure_environment FILE...: each a file of requirements; takes no time where they are all installed.
ensure_environment() {
    local file missing=
    for file in "$@"; do
        cmp -s "$file" ".venv/installed-$file" || missing="$missing $file"
    done
    if [ -z "$missing" ] && .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv
    echo "Installing$missing: some minutes the first time"
    local quiet=--quiet
    [ -t 1 ] && quiet=
    install_torch
    for file in "$@"; do
        install "$file" ||
            fail "pip could not install $file; its message is above. Once that is solved, start again."
        cp "$file" ".venv/installed-$file"
    done
}
