"""Faults, bounded and on this machine alone: what is lost, how long until all is well, what a person is told.

    python -m benchmarks.faults                      all of it, about half an hour
    python -m benchmarks.faults kills disk           only these: %s
    python -m benchmarks.faults hostile --files 1000 --seed 1
    python -m benchmarks.faults stalled --connections 200

Real servers on homes of their own, whose processes end with this one; they listen on this machine only.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import site
from .hostile import send_hostile_files
from .stalled import stall_connections

PARTS = ("hostile", "stalled", *site.FAULTS)


def main() -> None:
    """Run what was asked for."""
    about = (__doc__ or "") % ", ".join(PARTS)
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="which; all where left out")
    parser.add_argument("--files", type=int, default=1000, metavar="N", help="hostile files (1000)")
    parser.add_argument("--connections", type=int, default=200, metavar="N", help="stalled ones of each kind (200)")
    parser.add_argument("--kills", type=int, default=30, metavar="N", help="processes to kill (30)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no {min(unknown)}; there are {', '.join(PARTS)}")
    wanted = options.parts or PARTS
    if "hostile" in wanted:
        send_hostile_files(options.files, options.seed)
    if "stalled" in wanted:
        stall_connections(options.connections)
    for name, fault in site.FAULTS.items():
        if name in wanted:
            with tempfile.TemporaryDirectory(prefix="dcmrs-faults-") as folder:
                run(name, fault, Path(folder), options)


def run(
    name: str, fault: Callable[[Path, argparse.Namespace], None], folder: Path, options: argparse.Namespace
) -> None:
    """Run one fault; what it needs and this machine lacks is said."""
    try:
        fault(folder, options)
    except site.CannotTryError as error:
        print(f"{name}: not tried: {error}", flush=True)


if __name__ == "__main__":
    main()
