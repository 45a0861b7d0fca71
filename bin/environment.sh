# Sourced by bin/demo and bin/test, in the project's folder: makes .venv what the requirements say.

fail() {
    printf '%s: %s\n' "$0" "$1" >&2
    exit 1
}

find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and not found: install it (https://www.python.org/downloads/)."
}

make_venv() {
    local python
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv --clear .venv
    else # Debian keeps ensurepip in a package of its own; the pip that is there can fill the environment.
        "$python" -m venv --clear --without-pip .venv
        "$python" -m pip --python .venv/bin/python install --quiet pip ||
            fail "pip is needed, and not found for $python: install python3-pip or python3-venv."
    fi
}

# PyPI's torch for Linux brings gigabytes of CUDA; PyTorch's own index has the same version without.
PYTORCH_CPU=https://download.pytorch.org/whl/cpu

can_reach_pytorch() {
    .venv/bin/python - "$PYTORCH_CPU/torch/" <<'EOF'
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
EOF
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
        .venv/bin/python -m pip install $quiet -r "$file" ||
            fail "pip could not install $file; its message is above. Once that is solved, start again."
        cp "$file" ".venv/installed-$file"
    done
}
