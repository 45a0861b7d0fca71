"""`manage.py taggers`: which there are, installing them, verifying them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tagging import registry


class Command(BaseCommand):
    help = "List the taggers, install one, or verify those that are installed."
    # None of this needs the database, or a site that is set up.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        actions.add_parser("list", help="what there is, and what is installed; the default action")
        install = actions.add_parser("install", help="download a tagger's weights from their authors and install them")
        install.add_argument("name", nargs="?", metavar="NAME", help="the tagger; may be left out with --from FOLDER")
        install.add_argument(
            "--from",
            dest="source",
            metavar="FILE",
            help="take the weights from this file, or from a folder whatever the files in it are called",
        )
        actions.add_parser("verify", help="compare what is installed with its checksums")

    def handle(self, *_args: Any, action: str | None, **options: Any) -> None:
        try:
            match action:
                case "install":
                    self._install(options["name"], options["source"])
                case "verify":
                    self._verify()
                case _:
                    self._list()
        except registry.TaggerError as error:
            raise CommandError(str(error)) from error

    def _list(self) -> None:
        default = next(iter(registry.installed()), None)
        for name, tagger in registry.known().items():
            state = (
                f"installed: {tagger.weights}" if tagger.weights else f"install with: manage.py taggers install {name}"
            )
            self.stdout.write(f"{name}{' (default)' if name == default else ''}")
            self.stdout.write(f"    {len(tagger.labels)} labels, {tagger.score} in its authors' test")
            self.stdout.write(f"    {tagger.source}; {tagger.licence}; {tagger.bytes / 1e6:.1f} MB")
            self.stdout.write(f"    {state}")

    def _install(self, name: str | None, source: str | None) -> None:
        if name is not None:
            self._say_installed(name, registry.install(name, source))
        elif source is not None and Path(source).is_dir():
            for found, place in registry.install_from_folder(source).items():
                self._say_installed(found, place)
        else:
            raise CommandError(f"name a tagger ({', '.join(registry.known())}), or a folder with --from")

    def _say_installed(self, name: str, place: Path) -> None:
        tagger = registry.describe(name)
        self.stdout.write(f"{name} is installed in {place} ({tagger.licence}, {tagger.source})")

    def _verify(self) -> None:
        verified = registry.verify()
        if not verified:
            registry.default()
        for name, good in verified.items():
            self.stdout.write(f"{name}: {'as published' if good else 'damaged'}")
        if damaged := [name for name, good in verified.items() if not good]:
            raise CommandError(f"damaged: {', '.join(damaged)}; manage.py taggers install NAME replaces one")
