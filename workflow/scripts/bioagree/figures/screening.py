"""Whether the answer depends on the segmentation: effects of every feature under every source."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bioagree.figures import canvas
from bioagree.statistics.screening import ALL, NONE, OPPOSITE, SOME
from bioagree.tables import Columns

ALPHA = 0.05
_TRUTH = "#000000"
_METHODS = canvas.COLOURS[:6]  # neither the faint yellow nor the black of the truth
_BANDS = (
    (ALL, "Holds under every method", "#E8F1F7"),
    (OPPOSITE, "The sign depends on the method", "#FBE9E1"),
    (SOME, "Depends on the method", "#FBF1DF"),
    (NONE, "No evidence under any method", "#F2F2F2"),
)
_LEFT, _PLOT, _RIGHT = 2.75, 4.6, 3.15  # inches
_WIDE = 42  # characters of an answer
_ROW, _HEAD, _TOP, _BOTTOM = 0.62, 0.34, 1.72, 1.2


def draw(
    path: str | Path,
    columns: Columns,
    survival: Columns,
    *,
    units: Mapping[str, str],
    titles: Mapping[str, str],
    labels: Mapping[str, str],
    groups: tuple[str, ...] = ("with micronucleus", "without"),
    objects: str = "nuclei",
    reference: str = "truth",
    most: int = 12,
) -> None:
    """Draw the most telling features, a row each, with one dot and interval a segmentation.

    Parameters
    ----------
    path : str or Path
    columns : dict of str to numpy.ndarray
        From :func:`bioagree.statistics.screening.screen`, with `q`.
    survival : dict of str to numpy.ndarray
        From :func:`bioagree.statistics.screening.survival`. Features that another one represents
        are left out.
    units : mapping of str to str
        Unit of a feature, where it has one.
    titles : mapping of str to str
        What people read for a source; its key where it has none.
    labels : mapping of str to str
        What people read for a feature.
    groups : tuple of str
        Names of the two groups, differences are first - second; or of the numeric X alone.
    objects : str
        What was measured, in the plural.
    reference : str
        The source drawn in black, whose effect stands in its unit below the name of the feature.
    most : int
        Features shown at most.
    """
    from matplotlib.figure import Figure

    words = _words(columns, groups)
    shown = choose(survival, most)
    bands = [(name, title, fill, shown[name]) for name, title, fill in _BANDS if shown[name]]
    answers = {feature: _answer(survival, feature, titles) for band in bands for feature in band[3]}
    heights = {feature: _height(*answer) for feature, answer in answers.items()}
    rows = len(answers)
    height = _TOP + _BOTTOM + _HEAD * len(bands) + sum(heights.values(), 0.0 if rows else _ROW)
    width = _LEFT + _PLOT + _RIGHT
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes(
        [_LEFT / width, _BOTTOM / height, _PLOT / width, 1 - (_TOP + _BOTTOM) / height]
    )
    if not rows:
        canvas.say(axes, "No feature to show.")
        canvas.save(figure, path)
        return
    sources = list(dict.fromkeys(columns["source"].tolist()))
    colours = _colours(sources, reference)
    place = {
        key: i
        for i, key in enumerate(
            zip(columns["source"].tolist(), columns["feature"].tolist(), strict=True)
        )
    }
    axes.set_xlim(*_reach(columns, [feature for band in bands for feature in band[3]]))
    total = len(survival["feature"])
    y = 0.0
    for name, title, fill, features in bands:
        _draw_band(axes, y, _HEAD + sum(heights[feature] for feature in features), fill)
        count = int((survival["category"] == name).sum())
        note = f"{title}: {count} of {total} features"
        if len(features) < count:
            note += f", {len(features)} shown"
        if name != NONE and (survival["represented_by"] != survival["feature"]).any():
            redundant = (survival["category"] == name) & (
                survival["represented_by"] != survival["feature"]
            )
            note += f" ({redundant.sum()} say the same as others)" if redundant.any() else ""
        box = {"facecolor": fill, "edgecolor": "none", "pad": 1.5}
        _text(axes, -_LEFT + 0.12, y + _HEAD / 2, note, size=10, weight="bold", bbox=box)
        y += _HEAD
        for feature in features:
            row = heights[feature]
            _draw_row(axes, columns, place, sources, colours, feature, y + row / 2)
            truth = place.get((reference, feature))
            below = _below(columns, truth, units.get(feature, ""), words)
            _draw_name(axes, labels.get(feature, feature), below, y, row)
            _draw_answer(axes, *answers[feature], y, row, "0.35" if name == NONE else "black")
            y += row
    axes.set_ylim(y, 0)
    axes.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    axes.set_yticks([])
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color="white", linewidth=1)
    axes.set_axisbelow(True)
    _head(figure, survival, words, objects, width, height)
    _legend(figure, sources, colours, titles, width, height)
    _foot(figure, axes, columns, groups, words, objects, reference, width, height)
    canvas.save(figure, path)


def choose(survival: Columns, most: int) -> dict[str, list[str]]:
    """Choose the features to show, by category, the strongest first.

    Of features with evidence, up to `most`, shared evenly between categories; what is left goes to
    features without any. Strongest is the largest weakest effect where it holds everywhere, else
    the largest difference between sources.
    """
    stands = survival["represented_by"] == survival["feature"]
    ranked = {}
    for name, _, _ in _BANDS:
        here = np.flatnonzero(stands & (survival["category"] == name))
        least, highest = survival["least"][here], survival["most"][here]
        strength = np.minimum(np.abs(least), np.abs(highest)) if name == ALL else highest - least
        if name == NONE:
            strength = np.maximum(np.abs(least), np.abs(highest))
        order = np.argsort(-np.nan_to_num(strength, nan=-1.0), kind="stable")
        ranked[name] = survival["feature"][here[order]].tolist()
    quota = dict.fromkeys(ranked, 0)
    wanted = [name for name in (ALL, OPPOSITE, SOME) if ranked[name]]
    spare = min(2, len(ranked[NONE]), most // 6)
    while sum(quota.values()) < most - spare:
        open_ = [name for name in wanted if quota[name] < len(ranked[name])]
        if not open_:
            break
        quota[min(open_, key=lambda name: (quota[name], wanted.index(name)))] += 1
    # where little else is to be seen, a few without evidence say that these were looked at
    quota[NONE] = min(len(ranked[NONE]), most - sum(quota.values()), 4)
    return {name: features[: quota[name]] for name, features in ranked.items()}


def draw_all(
    path: str | Path,
    columns: Columns,
    survival: Columns,
    *,
    titles: Mapping[str, str],
    labels: Mapping[str, str],
    groups: tuple[str, ...] = ("with micronucleus", "without"),
) -> None:
    """Draw all features and sources as a heat map, with evidence and category.

    Parameters are those of :func:`draw`.
    """
    from matplotlib.figure import Figure

    order = {name: i for i, (name, _, _) in enumerate(_BANDS)}
    strength = np.nan_to_num(survival["most"] + survival["least"])
    rank = np.array([order[name] for name in survival["category"].tolist()])
    features = survival["feature"][np.lexsort((-strength, rank))].tolist()
    categories = dict(zip(survival["feature"].tolist(), survival["category"].tolist(), strict=True))
    sources = list(dict.fromkeys(columns["source"].tolist()))
    grid, q = (np.full((len(features), len(sources)), np.nan) for _ in range(2))
    at_row = {feature: i for i, feature in enumerate(features)}
    at_column = {source: i for i, source in enumerate(sources)}
    for i, (source, feature) in enumerate(
        zip(columns["source"].tolist(), columns["feature"].tolist(), strict=True)
    ):
        if feature in at_row:
            grid[at_row[feature], at_column[source]] = columns["standardised"][i]
            q[at_row[feature], at_column[source]] = columns["q"][i]

    cell = 0.23
    left, right, top, bottom = 3.4, 2.9, 1.5, 0.9
    width = left + 0.62 * len(sources) + right
    height = top + cell * len(features) + bottom
    figure = Figure(figsize=(width, height))
    box = [left / width, bottom / height, 0.62 * len(sources) / width, 1 - (top + bottom) / height]
    axes = figure.add_axes(box)
    edge = max(float(np.nanmax(np.abs(grid), initial=0.0)), 0.1)
    axes.set_facecolor("0.85")
    drawn = axes.imshow(grid, cmap="RdBu_r", vmin=-edge, vmax=edge, aspect="auto")
    rows, places = np.nonzero(q < ALPHA)
    dark = np.abs(grid[rows, places]) > 0.6 * edge
    axes.scatter(places, rows, s=14, c=np.where(dark, "white", "black"), linewidths=0)
    axes.set_yticks(range(len(features)), [labels.get(f, f) for f in features], fontsize=8)
    names = [titles.get(source, source) for source in sources]
    axes.set_xticks(range(len(sources)), names, rotation=40, ha="left", fontsize=8.5)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.spines[:].set_visible(False)
    start = 0
    for name, title, fill in _BANDS:
        count = sum(categories[feature] == name for feature in features)
        if not count:
            continue
        middle = start + count / 2 - 0.5
        axes.axhspan(start - 0.5, start + count - 0.5, 1.03, 1.06, color=_deep(fill), clip_on=False)
        axes.text(
            1.1,
            middle,
            "\n".join(textwrap.wrap(f"{title}: {count}", 26)) if count > 1 else f"{title}: 1",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
        )
        start += count
        if start < len(features):
            axes.axhline(start - 0.5, color="white", linewidth=4)
    bar = figure.add_axes([left / width, 0.45 / height, box[2], 0.12 / height])
    figure.colorbar(drawn, cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=8)
    bar.set_title(
        f"{_words(columns, groups)['axis']}; dot: q < {ALPHA:g}; grey: none",
        fontsize=8.5,
        pad=4,
    )
    canvas.save(figure, path)


def _colours(sources: Sequence[str], reference: str) -> dict[str, str]:
    methods = [source for source in sources if source != reference]
    found = {source: _METHODS[i % len(_METHODS)] for i, source in enumerate(methods)}
    return found | {reference: _TRUTH}


def _reach(columns: Columns, features: Sequence[str]) -> tuple[float, float]:
    """Return the limits of the axis that show these intervals, zero well inside."""
    here = np.isin(columns["feature"], list(features))
    ends = np.concatenate([columns["low"][here], columns["high"][here]]).astype(float)
    dots = np.abs(columns["standardised"][here].astype(float))
    dots, ends = dots[np.isfinite(dots)], ends[np.isfinite(ends)]
    # an interval far longer than all effects would hide them: it leaves the axis
    edge = max(4 * dots.max(initial=0.1), 0.2)
    low, high = (
        max(ends.min(initial=-0.1), -edge),
        min(ends.max(initial=0.1), edge),
    )
    span = high - low
    return min(low - 0.05 * span, -0.3 * span), max(high + 0.05 * span, 0.3 * span)


def _draw_band(axes, y, height, fill):
    from matplotlib.patches import Rectangle

    patch = Rectangle(
        (-_LEFT / _PLOT, y),
        (_LEFT + _PLOT + _RIGHT) / _PLOT,
        height,
        transform=axes.get_yaxis_transform(),
        facecolor=fill,
        edgecolor="white",
        linewidth=3,
        clip_on=False,
        zorder=0,
    )
    axes.add_patch(patch)


def _draw_row(axes, columns, place, sources, colours, feature, middle):
    step = min(0.085, 0.5 / max(len(sources), 1))
    for i, source in enumerate(sources):
        index = place.get((source, feature))
        if index is None or np.isnan(columns["standardised"][index]):
            continue
        height = middle + (i - (len(sources) - 1) / 2) * step
        colour = colours[source]
        effect = columns["standardised"][index]
        axes.plot(
            [columns["low"][index], columns["high"][index]],
            [height, height],
            color=colour,
            linewidth=1.4,
            solid_capstyle="butt",
            zorder=2,
        )
        evident = columns["q"][index] < ALPHA
        axes.plot(
            effect,
            height,
            "D" if colour == _TRUTH else "o",
            markersize=5.4 if colour == _TRUTH else 5.6,
            markerfacecolor=colour if evident else "white",
            markeredgecolor=colour,
            markeredgewidth=1.2,
            zorder=3,
        )


def _text(axes, inches, y, text, **options):
    """Write at a place given in inches from the left edge of the axes, and in rows."""
    size = options.pop("size", 9)
    options = {"ha": "left", "va": "center", "fontsize": size} | options
    axes.text(inches / _PLOT, y, text, transform=axes.get_yaxis_transform(), **options)


def _below(columns, truth, unit, words) -> str:
    if truth is None or np.isnan(columns["effect"][truth]):
        return ""
    value = f"{columns['effect'][truth]:+.3g}".replace("-", "−")
    return f"truth: {words['effect']} {value} {unit}".strip()


def _draw_name(axes, label, below, y, row):
    middle = y + row / 2
    lines = textwrap.wrap(label, 32)
    name = "\n".join([*lines[:1], *([" ".join(lines[1:])] if lines[1:] else [])])
    up = 0.085 * len(name.split("\n")) if below else 0.0
    _text(axes, -_LEFT + 0.25, middle - up + (0.02 if below else 0), name, size=10, linespacing=1.0)
    if below:
        _text(axes, -_LEFT + 0.25, middle + 0.16, below, size=8, color="0.35")


def _answer(survival, feature, titles) -> tuple[list[str], list[str]]:
    """Return the lines that answer for a feature, and the small ones below them."""
    index = int(np.flatnonzero(survival["feature"] == feature)[0])

    def readable(text):
        for key in sorted(titles, key=len, reverse=True):
            text = text.replace(key, titles[key])
        return text

    lines = textwrap.wrap(readable(str(survival["answer"][index])), _WIDE)
    below = []
    if survival["changed"][index]:
        below.append(f"differs from the truth: {readable(str(survival['changed'][index]))}")
    if survival["one_block"][index]:
        below.append(f"rests on one session: {readable(str(survival['one_block'][index]))}")
    return lines, textwrap.wrap("; ".join(below), _WIDE + 12)


def _height(lines: list[str], below: list[str]) -> float:
    """Return how much room a row needs, in inches."""
    return max(_ROW, 0.16 + 0.155 * len(lines) + 0.125 * len(below))


def _draw_answer(axes, lines, below, y, row, colour):
    top = y + (row - 0.155 * len(lines) - 0.125 * len(below)) / 2
    style = {"va": "top", "linespacing": 1.05}
    _text(axes, _PLOT + 0.15, top, "\n".join(lines), size=9.5, color=colour, **style)
    if below:
        top += 0.155 * len(lines) + 0.02
        _text(axes, _PLOT + 0.15, top, "\n".join(below), size=7.5, color="0.35", **style)


def _words(columns: Columns, groups: tuple[str, ...]) -> dict[str, str]:
    """Return what the figure calls its effect: a difference of groups, or a relation to X."""
    first = groups[0]
    if "slope" in columns["design"].tolist():
        return {
            "effect": "slope",
            "less": f"falls with {first}",
            "more": f"rises with {first}",
            "axis": f"Correlation with {first}",
            "subject": f"and their {first}",
            "relates": f"are related to {first}",
        }
    return {
        "effect": "difference",
        "less": f"smaller {first}",
        "more": f"larger {first}",
        "axis": f"Difference, {first} − {groups[1]}, in standard deviations",
        "subject": f"{first} against those {groups[1]}",
        "relates": "differ",
    }


def _head(figure, survival, words, objects, width, height):
    title, subtitle = headline(survival, words, objects)
    figure.text(0.12 / width, 1 - 0.28 / height, title, fontsize=15, weight="bold", va="center")
    figure.text(
        0.12 / width,
        1 - 0.5 / height,
        textwrap.fill(subtitle, int(width * 12)),
        fontsize=10.5,
        va="top",
        linespacing=1.2,
    )


def headline(
    survival: Columns, words: Mapping[str, str], objects: str = "nuclei"
) -> tuple[str, str]:
    """Answer in one line whether the answer depends on the segmentation, and count in another."""
    total = len(survival["feature"])
    count = {name: int((survival["category"] == name).sum()) for name, _, _ in _BANDS}
    depends = count[SOME] + count[OPPOSITE]
    evident = depends + count[ALL]
    if not evident:
        title = "No feature shows a difference, whatever the segmentation"
    elif not depends:
        title = "The answer does not depend on the segmentation"
    elif not count[ALL]:
        title = "Whatever differs, differs only under some segmentations"
    else:
        title = (
            f"Does the answer depend on the segmentation? Yes, for {depends} of the {evident} "
            "findings"
        )
    parts = [
        f"{count[ALL]} {words['relates']} whatever the method",
        f"{count[SOME]} under some methods only",
    ]
    if count[OPPOSITE]:
        parts.append(f"{count[OPPOSITE]} in opposite directions")
    parts.append(f"{count[NONE]} show no evidence")
    return title, (
        f"{objects[:1].upper()}{objects[1:]} {words['subject']}. "
        f"Of {total} features measured, {', '.join(parts)}."
    )


def _legend(figure, sources, colours, titles, width, height):
    from matplotlib.lines import Line2D

    def mark(colour, filled=True):
        return Line2D(
            [],
            [],
            color=colour,
            marker="D" if colour == _TRUTH else "o",
            markersize=6,
            markerfacecolor=colour if filled else "white",
            linewidth=1.4,
        )

    entries = [(mark(colours[source]), titles.get(source, source)) for source in sources]
    entries.append((mark("0.45"), f"filled: evidence (q < {ALPHA:g})"))
    entries.append((mark("0.45", filled=False), "hollow: none"))
    figure.legend(
        *zip(*entries, strict=True),
        loc="center left",
        bbox_to_anchor=(0.06 / width, 1 - 1.25 / height),
        ncols=min(len(entries), 4),
        frameon=False,
        fontsize=9,
        columnspacing=1.4,
        handletextpad=0.5,
        borderpad=0,
    )


def _foot(figure, axes, columns, groups, words, objects, reference, width, height):
    by = sorted({str(text).replace("cluster", "image") for text in columns["standardised_by"]})
    axes.set_xlabel(words["axis"], fontsize=9.5)
    for x, side, text in (
        (0.0, "left", f"← {words['less']}"),
        (1.0, "right", f"{words['more']} →"),
    ):
        axes.text(
            x, 1.0, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=8.5, color="0.35"
        )
    counts = []
    for label, chosen in (
        ("truth", columns["source"] == reference),
        ("methods", columns["source"] != reference),
    ):
        if chosen.any():
            first, second = (columns[name][chosen] for name in ("n_first", "n_second"))
            of_second = f" {groups[0]} and {_range(second)} {groups[1]}" if second.any() else ""
            counts.append(f"{label} {_range(first)}{of_second}")
    images = f"{_range(columns['clusters'])} images"
    if columns["blocks"].max() > 0:
        images += f", {_range(columns['blocks'])} sessions"
    text = (
        f"n: {'; '.join(counts)}; {images}. Lines: confidence intervals that count images, not "
        f"{objects}. q: p adjusted over all tests of the study (Benjamini-Hochberg). "
        f"Standardised by: {', '.join(by)}. 'Differs from the truth' is tested image "
        "by image: a filled dot here and a hollow one there does not show it."
    )
    figure.text(
        0.12 / width,
        0.08 / height,
        textwrap.fill(text, int(width * 15.2)),
        fontsize=8,
        color="0.3",
        va="bottom",
        linespacing=1.2,
    )


def _range(numbers: np.ndarray) -> str:
    low, high = int(np.min(numbers)), int(np.max(numbers))
    return f"{low}" if low == high else f"{low}–{high}"


def _deep(fill: str) -> str:
    """Return the colour of a band where it stands alone."""
    return {"#E8F1F7": "#0072B2", "#FBE9E1": "#D55E00", "#FBF1DF": "#E69F00"}.get(fill, "0.7")
