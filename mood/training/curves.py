"""The course of a training, drawn."""

from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _MARGIN = 640, 300, 48


def draw_curves(epochs: Sequence[Mapping[str, float]]) -> str:
    """Losses and kept-out accuracy over the epochs, as SVG: two plots side by side.

    Parameters
    ----------
    epochs : sequence of mappings
        Each with `loss`, `kept_out_loss` and `kept_out_accuracy`; at least one.
    """
    losses = [[epoch["loss"] for epoch in epochs], [epoch["kept_out_loss"] for epoch in epochs]]
    accuracy = [[100 * epoch["kept_out_accuracy"] for epoch in epochs]]
    body = _plot(0, "Loss", losses, ["augmented", "kept out"]) + _plot(
        _WIDTH, "Accuracy, %", accuracy, [f"kept out, best {max(accuracy[0]):.1f}"]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n'
    )


def _plot(left: int, title: str, series: Sequence[Sequence[float]], names: Sequence[str]) -> str:
    low = min(min(values) for values in series)
    high = max(max(values) for values in series)
    span = (high - low) or 1.0
    width, height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    last = max(len(series[0]) - 1, 1)
    parts = [f'<g transform="translate({left + _MARGIN} {_MARGIN})"><text y="-16" font-weight="bold">{title}</text>']
    for step in range(5):
        y, value = height * step / 4, high - span * step / 4
        parts.append(f'<path d="M0 {y:.1f}H{width}" stroke="#ddd"/>')
        parts.append(f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for index, (values, name, colour) in enumerate(zip(series, names, ("#2563eb", "#d97706"), strict=False)):
        points = " ".join(
            f"{width * i / last:.1f},{height * (high - value) / span:.1f}" for i, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width}" y="{-16 + 16 * index}" text-anchor="end" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{width}" y="{height + 20}" text-anchor="end">epoch {len(series[0])}</text>')
    parts.append(f'<text y="{height + 20}">1</text></g>')
    return "".join(parts)
