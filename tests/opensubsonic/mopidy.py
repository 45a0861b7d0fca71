"""A Mopidy with mopidy-subidy, without sound: started, asked by its JSON-RPC, its events read as they come."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.processes import wait_until

PATIENCE_S = 60.0

_STARTED = "Starting GLib mainloop"

_CONFIGURATION = """
[core]
data_dir = {home}/data
cache_dir = {home}/cache
config_dir = {home}/config
restore_state = false
[audio]
mixer = none
output = fakesink sync=true
[http]
enabled = true
hostname = 127.0.0.1
port = {port}
zeroconf =
[file]
enabled = false
[m3u]
enabled = false
[stream]
enabled = false
[softwaremixer]
enabled = false
[subidy]
enabled = true
url = {server}
username = {username}
password = {password}
"""


def find_mopidy() -> list[str] | None:
    """The command: what `MOPIDY` says, or the program of the PATH, if it can speak the protocol."""
    command = shlex.split(os.environ.get("MOPIDY", "mopidy"))
    if not command or shutil.which(command[0]) is None:
        return None
    known = subprocess.run([*command, "deps"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return command if "Mopidy-Subidy" in known.stdout else None


class Mopidy:
    """A Mopidy that runs, and a connection on which it tells of what happens."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /mopidy/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: http://127.0.0.1:{port}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._stream = self._socket.makefile("rb")
        assert b" 101 " in self._stream.readline()
        while self._stream.readline().strip():
            pass
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()

    def call(self, method: str, **parameters: Any) -> Any:
        """What one method of Mopidy's core answers."""
        self._calls += 1
        asked = {"jsonrpc": "2.0", "id": self._calls, "method": f"core.{method}", "params": parameters}
        self._send(json.dumps(asked).encode())
        while True:
            said = self._read()
            if said.get("id") == self._calls:
                assert "error" not in said, said
                return said["result"]
            self.events.append(said)

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next event of a kind that nobody has waited for yet."""
        while True:
            for at, said in enumerate(self.events):
                if said.get("event") == event:
                    return self.events.pop(at)
            self.events.append(self._read())

    def _send(self, text: bytes) -> None:
        # A frame of text, masked as clients have to, by nothing.
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
        self._socket.sendall(b"\x81" + length + bytes(4) + text)

    def _read(self) -> dict[str, Any]:
        opcode, length = self._stream.read(2)
        if length == 126:
            length = int.from_bytes(self._stream.read(2), "big")
        elif length == 127:
            length = int.from_bytes(self._stream.read(8), "big")
        text = self._stream.read(length)
        assert opcode == 0x81, "Mopidy has hung up"
        said: dict[str, Any] = json.loads(text)
        return said


@contextlib.contextmanager
def running(command: list[str], home: Path, server: str, username: str, password: str) -> Iterator[Mopidy]:
    """A Mopidy that knows one server, until the block ends; it fails with what Mopidy said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configuration = home / "mopidy.conf"
    configuration.write_text(
        _CONFIGURATION.format(home=home, port=port, server=server, username=username, password=password)
    )
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--config", str(configuration)], stdout=output, stderr=output)
    try:
        wait_until(lambda: _STARTED in log.read_text() or process.poll() is not None, log.read_text, PATIENCE_S)
        mopidy = Mopidy(port)
        try:
            yield mopidy
        finally:
            mopidy.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        print(log.read_text())
