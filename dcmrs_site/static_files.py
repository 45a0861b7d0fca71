"""Where the static files lie, and what a page calls them."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

STYLESHEETS = [
    "css/tokens.css",
    "css/base.css",
    "css/components.css",
    "css/player.css",
    "css/playlists.css",
    "css/for_you.css",
    "css/taste.css",
    "css/library.css",
    "css/song.css",
    "css/compare.css",
    "css/mood.css",
    "css/map.css",
    "css/find.css",
]
"""The site's own, a file a subject; what comes later may say more of what came before."""

IMPORTS_OF_MODULES = (
    "js/*.js",
    ((r"""(?P<matched>(?P<import>(?m:^)import\b[^;"']*)["'](?P<url>\./[^"']+)["'];)""", """%(import)s"%(url)s";"""),),
)
"""Where a module of the site imports another one, by its path: there too it gets the name that can be kept forever.

Django's own patterns (`support_js_module_import_aggregation`) would read every script of every library as well.
"""

WHOLE_STYLESHEET = "css/site.css"
"""All of them, made by `collectstatic`: a first visit asks once for it, and it compresses better."""


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Compressed, under names that can be kept forever; the address of each file is worked out once.

    A page of song lists names its icons hundreds of times, and the addresses took a sixth of the time of making it.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, IMPORTS_OF_MODULES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._addresses: dict[tuple[str, bool, bool], str] = {}

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Make the whole stylesheet, then what is made of every file."""
        if not dry_run:
            parts = []
            for name in STYLESHEETS:
                storage, path = paths[name]
                with storage.open(path) as file:
                    parts.append(file.read())
            self.delete(WHOLE_STYLESHEET)
            self.save(WHOLE_STYLESHEET, ContentFile(b"\n".join(parts)))
            paths[WHOLE_STYLESHEET] = (self, WHOLE_STYLESHEET)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def url(self, name: str | None, force: bool = False) -> str:
        """The address of a file.

        Raises
        ------
        ValueError
            If there is no such file, and this is not a server for developing.
        """
        if name is None:
            raise ValueError("A static file without a name has no address.")
        key = name, force, settings.DEBUG
        if (address := self._addresses.get(key)) is None:
            address = self._addresses[key] = super().url(name, force)
        return address
