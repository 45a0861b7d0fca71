"""`manage.py taggers`: which there are, installing them, verifying them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tagging import registry


class Command(BaseCommand):
    help = "List the taggers, install a published one, choose which of the own ones listens, or verify them."
    # None of this needs the database, or a site that is set up.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        actions.add_parser("list", help="what there is, and what listens; the default action")
        install = actions.add_parser("install", help="download a tagger's weights from their authors and install them")
        install.add_argument("name", nargs="?", metavar="NAME", help="the tagger; may be left out with --from FOLDER")
        install.add_argument(
            "--from",
            dest="source",
            metavar="FILE",
            help="take the weights from this file, or from a folder whatever the files in it are called",
        )
        use = actions.add_parser("use", help="have the bundled tagger, or one that you fitted, listen from now on")
        use.add_argument("name", metavar="NAME")
        actions.add_parser("verify", help="compare what is here with its checksums")

    def handle(self, *_args: Any, action: str | None, **options: Any) -> None:
        try:
            match action:
                case "install":
                    self._install(options["name"], options["source"])
                case "use":
                    registry.use(options["name"])
                    self.stdout.write(f"{options['name']} is in use: songs get its labels as the worker comes to them.")
                case "verify":
                    self._verify()
                case _:
                    self._list()
        except registry.TaggerError as error:
            raise CommandError(str(error)) from error

    def _list(self) -> None:
        listening = registry.installed()
        for name, tagger in registry.known().items():
            self.stdout.write(f"{name}{' (default)' if name in listening[:1] else ''}")
            own = isinstance(tagger, registry.OwnTagger)
            tested = "" if own else " in its authors' test"
            self.stdout.write(f"    {len(tagger.labels)} labels, {tagger.score}{tested}")
            self.stdout.write(f"    {tagger.source}; {tagger.licence}")
            if name in listening:
                self.stdout.write(f"    {'in use' if own else 'installed'}: {tagger.weights}")
            else:
                self.stdout.write(f"    to have it listen: manage.py taggers {'use' if own else 'install'} {name}")
        for reason in registry.ignored().values():
            self.stderr.write(f"Ignored: {reason}")

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
            self.stdout.write(f"{name}: {'as it should be' if good else 'damaged'}")
        if damaged := [name for name, good in verified.items() if not good]:
            raise CommandError(
                f"damaged: {', '.join(damaged)}; manage.py taggers install NAME replaces a published one"
            )
