"""What all figures share: size, colours, and files that come out the same every time."""

from pathlib import Path

# Okabe & Ito's colours, distinguishable with every common colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
PANEL = (4.4, 3.6)  # inches


def grid(panels: int, columns: int, panel: tuple[float, float] = PANEL):
    """Return a figure and its axes, enough for `panels`, with at most `columns` in a row."""
    from matplotlib.figure import Figure

    columns = max(1, min(columns, panels))
    rows = max(1, -(-panels // columns))
    figure = Figure(figsize=(panel[0] * columns, panel[1] * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[panels:]:
        unused.set_axis_off()
    return figure, axes[: max(panels, 1)]


def save(figure, path: str | Path, **options) -> None:
    """Write a figure without date and random ids, so that equal figures are equal files."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "bioagree"}):
        suffix = Path(path).suffix[1:]
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
        figure.savefig(path, format=suffix, metadata=metadata, **options)


def say(axes, sentence: str) -> None:
    """Write a sentence where a plot would stand."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center", wrap=True, transform=axes.transAxes)


def write_sentence(path: str | Path, sentence: str) -> None:
    """Write a figure that says in words why there is nothing to draw."""
    figure, (axes,) = grid(1, columns=1)
    say(axes, sentence)
    save(figure, path)
