"""The Bland-Altman plot: the difference of two methods against their mean."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from bioagree.statistics.agreement import BlandAltman

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Okabe & Ito, Color Universal Design, 2008, without the yellow, which is faint on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "<", ">")

_BIAS_BAND = "0.75"
_LIMIT_BAND = "0.88"
_MANY = 300
_CHARACTER = 0.56  # mean width of a character, as a share of the font size
_LINE = 1.25  # height of a line of text, as a share of the font size
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPACE = "\u00a0"  # where a line must not break


def draw(
    axes: "Axes",
    first: ArrayLike,
    second: ArrayLike,
    result: BlandAltman,
    *,
    quantity: str,
    unit: str,
    first_name: str,
    second_name: str,
    groups: Sequence | None = None,
) -> None:
    """Draw the pairs, the bias and the limits of agreement, with their confidence intervals.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Empty axes. Numbers stand right of them and the legend below: a figure with
        ``layout="constrained"`` makes room for both.
    first, second : array_like, shape (n,)
        What `result` was computed from. Pairs with NaN are left out.
    result : BlandAltman
    quantity, unit : str
        What was measured, and in which unit (may be empty).
    first_name, second_name : str
        Names of the methods.
    groups : sequence, shape (n,), optional
        The group of each pair, for instance its imaging session. Each gets a colour, a marker and
        an entry in the legend, in order of appearance.

    Raises
    ------
    ValueError
        If `result` was computed from another number of pairs, or if `groups` has another length.

    Notes
    -----
    The regression line is drawn where its interval excludes a slope of zero. Limits are not drawn
    for fewer than three pairs: of two, the interval of each would be 16 times as wide as the limits
    lie apart.
    """
    means, differences, names = _pairs(first, second, groups, result.n)
    _set_view(axes, means, differences, result)
    width, height = _extent(axes)
    x_power = _scale_ticks(axes.xaxis, width / 60)
    y_power = _scale_ticks(axes.yaxis, height / 30)
    points = _draw_points(axes, means, differences, names)

    # Text is wrapped before the layout knows its size: what other text takes is subtracted.
    size = _points("medium")
    title = _title(result)
    x_label = [f"Mean of {first_name} and {second_name}: {quantity}{_unit(unit, x_power)}"]
    axes.set_xlabel(_wrap(x_label, width, size), fontsize=size)
    height -= (axes.get_xlabel().count("\n") + len(title) - 1) * _LINE * size
    if groups is not None and result.n:
        height -= _draw_legend(axes, points)
    y_label = [
        f"Difference in {quantity}{_unit(unit, y_power)}",
        f"{first_name} −{_SPACE}{second_name}",
    ]
    axes.set_ylabel(_wrap(y_label, height, size), fontsize=size)
    width -= (axes.get_ylabel().count("\n") - 1) * _LINE * size
    axes.set_title(_wrap(title, width, size), loc="left", fontsize=size)

    if result.n == 0:
        axes.set(xticks=[], yticks=[])
    if result.n > 2:
        _draw_lines(axes, result)
        _draw_numbers(axes, result, y_power, height)
    if _is_proportional(result):
        middle = (means.mean(), result.bias)
        axes.axline(middle, slope=result.slope, color="black", linewidth=1, linestyle=":")


def _pairs(
    first: ArrayLike, second: ArrayLike, groups: Sequence | None, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, difference and name of the group of every complete pair."""
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    names = np.array([""] * first.size if groups is None else [str(group) for group in groups])
    if names.size != first.size:
        raise ValueError(f"There are {names.size} groups for {first.size} pairs: give one each.")
    complete = ~(np.isnan(first) | np.isnan(second))
    if np.count_nonzero(complete) != n:
        raise ValueError(
            f"The result was computed from {n} pairs, but {np.count_nonzero(complete)} are given: "
            "draw the pairs that it was computed from."
        )
    first, second = first[complete], second[complete]
    return (first + second) / 2, first - second, names[complete]


def _set_view(
    axes: "Axes", means: np.ndarray, differences: np.ndarray, result: BlandAltman
) -> None:
    """Make room for all points and, where they are drawn, for the intervals of the limits."""
    axes.spines[["top", "right"]].set_visible(False)
    if result.n == 0:
        return
    size = max(np.abs(means).max(), np.abs(differences).max())
    if result.n > 2:
        differences = np.append(differences, [result.lower_low, result.upper_high])
    for values, set_limits in ((means, axes.set_xlim), (differences, axes.set_ylim)):
        # equal values but for rounding must not be blown up to fill the axis
        margin = 0.05 * np.ptp(values) if np.ptp(values) > 1e-9 * size else 0.1 * size or 1
        set_limits(values.min() - margin, values.max() + margin)


def _scale_ticks(axis: "Axis", room: float) -> int:
    """Label at most six round values, in powers of ten where these help; return the power."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    largest = np.abs(axis.get_view_interval()).max()
    exponent = math.floor(math.log10(largest))
    power = 0 if -3 < exponent < 5 else 3 * (exponent // 3)
    formatter = ScalarFormatter(useOffset=False)
    formatter.set_scientific(power != 0)
    formatter.set_powerlimits((power, power))
    axis.set_major_formatter(formatter)
    axis.set_major_locator(MaxNLocator(min(6, max(2, int(room))), steps=[1, 2, 2.5, 5, 10]))
    axis.offsetText.set_visible(False)  # the label of the axis says it
    return power


def _draw_points(
    axes: "Axes", means: np.ndarray, differences: np.ndarray, names: np.ndarray
) -> dict[str, "Artist"]:
    """Draw each group in its colour and marker, and return what was drawn by name."""
    many = means.size > _MANY
    return {
        name: axes.scatter(
            means[names == name],
            differences[names == name],
            s=6 if many else 32,
            color=COLOURS[i % len(COLOURS)],
            # shifted every round, so that no two of 49 groups look the same
            marker=MARKERS[(i + i // len(COLOURS)) % len(MARKERS)],
            edgecolors="white",
            linewidths=0.2 if many else 0.6,
            rasterized=many,
            zorder=1.5 if many else 3,
        )
        for i, name in enumerate(dict.fromkeys(names.tolist()))
    }


def _draw_lines(axes: "Axes", result: BlandAltman) -> None:
    """Draw bias and limits on bands that span their intervals."""
    axes.axhspan(result.lower_low, result.lower_high, color=_LIMIT_BAND, linewidth=0, zorder=0)
    axes.axhspan(result.upper_low, result.upper_high, color=_LIMIT_BAND, linewidth=0, zorder=0)
    axes.axhspan(result.bias_low, result.bias_high, color=_BIAS_BAND, linewidth=0, zorder=0.5)
    axes.axhline(0, color="0.5", linewidth=0.6)
    axes.axhline(result.bias, color="black", linewidth=1.2)
    axes.axhline(result.lower, color="black", linewidth=1.2, linestyle="--")
    axes.axhline(result.upper, color="black", linewidth=1.2, linestyle="--")


def _draw_numbers(axes: "Axes", result: BlandAltman, power: int, height: float) -> None:
    """Write the values of the lines right of the axes, apart even where the lines are close.

    `height` is that of the axes, in points.
    """
    from matplotlib.transforms import ScaledTranslation

    def number(name):
        value = getattr(result, name) / 10**power
        return _number(value, result.sd / math.sqrt(result.n) / 10**power)

    size = _points("small")
    low, high = axes.get_ylim()
    gap = 2.4 * _LINE * size / height * (high - low)
    at_edge = axes.get_yaxis_transform()
    beside = at_edge + ScaledTranslation(10 / 72, 0, axes.figure.dpi_scale_trans)
    if result.sd == 0:
        labels = [(result.bias, result.bias, f"Bias\n{number('bias')}")]
    else:
        labels = [
            (
                line,
                place,
                f"{title}\n{number(name)} ({number(name + '_low')} to {number(name + '_high')})",
            )
            for line, place, title, name in (
                (result.upper, max(result.upper, result.bias + gap), "Upper limit", "upper"),
                (result.bias, result.bias, "Bias", "bias"),
                (result.lower, min(result.lower, result.bias - gap), "Lower limit", "lower"),
            )
        ]
    for line, place, text in labels:
        axes.annotate(
            text,
            xy=(1, line),
            xytext=(1, place),
            xycoords=at_edge,
            textcoords=beside,
            va="center",
            fontsize=size,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.6,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def _draw_legend(axes: "Axes", points: dict[str, "Artist"]) -> float:
    """Name the groups below the label of the x axis, and return the height of it in points."""
    from matplotlib.transforms import ScaledTranslation

    size = _points("small")
    entry = (max(map(len, points)) * _CHARACTER + 4) * size
    columns = max(1, min(len(points), int(_extent(axes)[0] / entry)))
    lines_above = axes.get_xlabel().count("\n") + 3  # and numbers and ticks
    below = ScaledTranslation(
        0, -lines_above * _LINE * _points("medium") / 72, axes.figure.dpi_scale_trans
    )
    axes.legend(
        points.values(),
        points.keys(),
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below,
        ncols=columns,
        fontsize=size,
        frameon=False,
        borderaxespad=0,
    )
    return math.ceil(len(points) / columns) * 1.5 * size


def _title(result: BlandAltman) -> list[str]:
    """Return the number of pairs, what the bands are, and what keeps the limits from use."""
    counts = f"n = {result.n}"
    if result.missing:
        counts += f" (+ {result.missing} with a missing value)"
    if result.n < 3:
        return [counts, "Too few pairs to draw limits of agreement.", result.note]
    if result.sd == 0:
        return [counts, result.note]
    percent = f"{100 * result.coverage:.4g}{_SPACE}%"
    sure = f"{100 * result.confidence:.4g}{_SPACE}%"
    lines = [f"{counts}, limits {percent}, shaded: {sure} confidence"]
    if result.note:
        lines.append(result.note)
    if _is_proportional(result):
        error = (result.slope_high - result.slope_low) / 4
        slope, low, high = (
            _number(value, error) for value in (result.slope, result.slope_low, result.slope_high)
        )
        lines.append(f"Difference changes with mean: slope {slope} ({low}{_SPACE}to{_SPACE}{high})")
    return lines


def _is_proportional(result: BlandAltman) -> bool:
    return result.slope_low > 0 or result.slope_high < 0


def _number(value: float, error: float) -> str:
    """Write a value to two digits of its standard error, to four where it has none."""
    if error == 0:
        text = f"{value:.4g}"
    else:
        decimals = max(0, 1 - math.floor(math.log10(error)))
        text = f"{round(value, decimals) + 0.0:.{decimals}f}"  # no minus zero
    return text.replace("-", "−")


def _unit(unit: str, power: int) -> str:
    """Write ` (10⁶ µm³)`, or less where there is no unit or no power."""
    factor = "10" + str(power).translate(_SUPERSCRIPTS) if power else ""
    text = f"{factor} {unit}".strip().replace(" ", _SPACE)
    return f" ({text})" if text else ""


def _wrap(lines: list[str], length: float, size: float) -> str:
    """Break lines that are longer than `length` points at this font size."""
    return "\n".join(
        textwrap.fill(line, max(12, int(length / size / _CHARACTER))) for line in lines
    )


def _points(size: str) -> float:
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=size).get_size_in_points()


def _extent(axes: "Axes") -> tuple[float, float]:
    """Return width and height of the axes in points."""
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    return 72 * box.width, 72 * box.height
