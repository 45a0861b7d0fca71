"""What mood tells curators who rename, merge or delete labels: which moods its table names them for."""

from __future__ import annotations

from catalog.names import label_key
from catalog.services.curation.label_references import refers_to_labels

from .models import EmotionLabel


@refers_to_labels
def moods(names: list[str]) -> list[str]:
    """The moods whose music is found by labels of these names."""
    keys = {label_key(name) for name in names}
    rows = [row for row in EmotionLabel.objects.order_by("emotion", "way") if label_key(row.label) in keys]
    return [f"the table of moods names {row.label} for {row.emotion}, {row.get_way_display()}" for row in rows]
