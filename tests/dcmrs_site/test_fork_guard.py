"""A child that is forked while a thread uses the database can use it too."""

import subprocess
import sys
from pathlib import Path

from catalog.home import PROJECT_ROOT

FORKS = """
import os, sqlite3, sys, threading
from dcmrs_site.fork_guard import forks_wait

path = sys.argv[1]
with sqlite3.connect(path) as connection:
    connection.execute("CREATE TABLE numbers AS SELECT 1 AS one")

def ask():
    connection = sqlite3.connect(path)
    connection.execute("SELECT one FROM numbers ORDER BY one").fetchall()
    connection.close()

def ask_all_the_time():
    while True:
        with forks_wait():
            ask()

threading.Thread(target=ask_all_the_time, daemon=True).start()
for _ in range(60):
    child = os.fork()
    if not child:
        ask()
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_children_that_are_forked_while_a_thread_asks_the_database_can_ask_it(tmp_path: Path) -> None:
    """Without the guard one of the first few children hangs in SQLite for ever."""
    command = [sys.executable, "-c", FORKS, str(tmp_path / "numbers.sqlite3")]
    subprocess.run(command, cwd=PROJECT_ROOT, check=True, timeout=120)
