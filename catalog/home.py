"""Where DCMRS keeps what it writes at run time.

Plain Python: settings, the tagger registry and scripts without Django all ask here.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# A Unix socket's address is limited to 107 bytes on Linux and 103 on macOS.
_LONGEST_SOCKET_PATH = 100


def home() -> Path:
    """The folder of everything written at run time: `DCMRS_HOME`, or `var/` beside `manage.py`."""
    return Path(os.environ.get("DCMRS_HOME") or PROJECT_ROOT / "var").expanduser().resolve()


def models_dir() -> Path:
    """Where installed taggers lie."""
    return home() / "models"


def redis_socket() -> Path:
    """The Unix socket of the embedded Redis, in a short private folder where `home()` is too deep for one."""
    socket = home() / "run" / "redis.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH:
        return socket
    digest = hashlib.sha256(os.fsencode(home())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"dcmrs-{os.getuid()}-{digest}" / "redis.sock"


def redis_url() -> str:
    """The address of the embedded Redis, as redis-py reads it."""
    return f"unix://{quote(str(redis_socket()))}"
