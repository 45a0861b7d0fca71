"""A tagger with random weights: it hears nothing in particular, by the very code of the published ones."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from django.apps import AppConfig

from catalog.home import models_dir

NAME = "random"
LABELS = ("warm", "cold", "near", "far")


def install(home: Path) -> None:
    """Make the weights, and put them where installed ones lie."""
    import torch

    from tagging.networks import Cnn

    torch.manual_seed(1)
    (home / "models").mkdir()
    torch.save(Cnn(len(LABELS), normalized_bands=1).state_dict(), home / "models" / f"{NAME}.pth")


class RandomTagger(AppConfig):
    """Puts the tagger in the place of the known ones, and lets what was left behind be found within seconds."""

    name = "tests.services"
    label = "random_tagger"

    def ready(self) -> None:
        from tagging import registry, services
        from tagging.frontend import Scaling

        weights = models_dir() / f"{NAME}.pth"
        if not weights.exists():
            return
        description = registry.PublishedTagger(
            name=NAME,
            network="cnn-one-band",
            scaling=Scaling(),
            labels=tuple(registry.TaggerLabel(label, "other", operating_point=0.0) for label in LABELS),
            address=f"https://example.org/{weights.name}",
            sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
            bytes=weights.stat().st_size,
            licence="",
            source="",
            score="",
        )
        registry.known = lambda: {NAME: description}
        services.LEFT_BEHIND_AFTER = timedelta(seconds=3)
        services.SIGN_OF_LIFE_S = 0.5
