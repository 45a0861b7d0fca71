"""`manage.py taggers`: which there are, installing them, verifying them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tagging.taggers import registry
from tagging.taggers.recommended import install_recommended

_RECOMMENDED = "recommended"


class Command(BaseCommand):
    """`manage.py taggers`."""

    help = "List the taggers, install a published one, choose which of the own ones listens, or verify them."
    # None of this needs the database, or a site that is set up.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        actions.add_parser("list", help="what there is, and what listens; the default action")
        install = actions.add_parser("install", help="download a tagger's weights from their authors and install them")
        install.add_argument(
            "name",
            nargs="?",
            metavar="NAME",
            help=f"the tagger; {_RECOMMENDED}: the best ones that can be reached; may be left out with --from FOLDER",
        )
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
        """Run the command."""
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
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted: what is installed stays, and the same command does the rest", returncode=130
            ) from None

    def _list(self) -> None:
        listening = registry.installed()
        for name, tagger in registry.known().items():
            self.stdout.write(f"{name}{' (default)' if name in listening[:1] else ''}")
            local = isinstance(tagger, registry.LocalTagger)
            tested = "" if local else " in its authors' test"
            score = f", {tagger.score}{tested}" if tagger.score else ""
            self.stdout.write(f"    {len(tagger.labels)} labels{score}")
            if isinstance(tagger, registry.PublishedTagger) and tagger.truth:
                self.stdout.write(f"    by what people said: {tagger.truth}")
            self.stdout.write(f"    {tagger.source}; {tagger.licence}")
            if name in listening:
                self.stdout.write(f"    {'in use' if local else 'installed'}: {tagger.weights}")
            else:
                self.stdout.write(f"    to have it listen: manage.py taggers {'use' if local else 'install'} {name}")
        for reason in registry.ignored().values():
            self.stderr.write(f"Ignored: {reason}")

    def _install(self, name: str | None, source: str | None) -> None:
        if name == _RECOMMENDED:
            self._install_recommended(source)
        elif name is not None:
            self._say_installed(name, registry.install(name, source))
        elif source is not None and Path(source).is_dir():
            for found, place in registry.install_from_folder(source).items():
                self._say_installed(found, place)
        else:
            raise CommandError(f"name a tagger ({', '.join(registry.known())}), or a folder with --from")

    def _install_recommended(self, source: str | None) -> None:
        if source is not None and not Path(source).is_dir():
            raise CommandError(f"{source} is not a folder: the recommended taggers are several files")
        here: list[str] = []
        left_out: list[str] = []
        for tagger in install_recommended(None if source is None else Path(source)):
            if tagger.place is not None:
                here.append(tagger.name)
                self._say_installed(tagger.name, tagger.place)
            else:
                left_out.append(tagger.name)
                self.stderr.write(f"{tagger.name} is left out: {tagger.reason}")
        if not here:
            raise CommandError("no recommended tagger could be had: songs keep the labels of the bundled one")
        rest = f"; left out: {', '.join(left_out)}" if left_out else ""
        self.stdout.write(f"Of the recommended taggers there are here: {', '.join(here)}{rest}.")

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
