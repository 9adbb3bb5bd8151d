"""Measure bias and spread of size and shape estimators on bodies of known size.

Run from the root of the repository::

    uv run python benchmarks/bias.py [--offsets 200] [--output docs/bias]

Balls, ellipsoids and boxes of radius 3 to 20 pixels are digitised (a voxel belongs to a body when
its centre does) at random offsets, with planes as far apart as pixels and three times as far. The
bias is the mean of all offsets against the true value; the spread is their standard deviation.

Prints Markdown tables, and writes them with all numbers as CSV and a figure into the folder.
"""

import argparse
import csv
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

RADII = (3, 5, 7, 10, 14, 20)
STEPS = (1.0, 3.0)
PIXEL = {2: (1.0, 1.0), 3: (1.0, 1.0, 1.0)}
# Semi-axes (z, y, x) as multiples of the radius; all but the boxes have the volume of the ball.
BODIES = {
    "balls": ("ellipsoid", (1, 1, 1), False),
    "turned ellipsoids 0.7 : 1 : 1.43": ("ellipsoid", (0.7, 1, 1 / 0.7), True),
    "ellipsoids upright along z": ("ellipsoid", (1.588, 0.794, 0.794), False),
    "ellipsoids flat across z": ("ellipsoid", (0.63, 1.26, 1.26), False),
    "boxes along the axes": ("box", (1, 1, 1), False),
    "turned boxes": ("box", (1, 1, 1), True),
    "discs": ("ellipsoid", (1, 1), False),
    "turned ellipses 1 : 2": ("ellipsoid", (math.sqrt(0.5), math.sqrt(2)), True),
    "squares along the axes": ("box", (1, 1), False),
}


def digitise(kind, semi_axes, turn, spacing, n, rng):
    """Return a label image of `n` bodies side by side."""
    semi_axes, spacing = np.array(semi_axes, np.float32), np.array(spacing, np.float32)
    far = np.linalg.norm(semi_axes) if kind == "box" else semi_axes.max()
    reach = np.full(len(spacing), far) if turn else semi_axes
    shape = np.floor(2 * reach / spacing).astype(int) + 4
    grid = (np.stack(np.indices(shape, np.float32), -1) - shape // 2) * spacing
    images = []
    for label in range(1, n + 1):
        places = grid - ((rng.random(len(shape)) - 0.5) * spacing).astype(np.float32)
        if turn:
            places = places @ np.linalg.qr(rng.normal(size=(len(shape),) * 2))[0].astype(np.float32)
        places /= semi_axes
        if kind == "box":
            inside = np.abs(places).max(axis=-1) <= 1
        else:
            inside = np.einsum("...i,...i", places, places) <= 1
        images.append(np.where(inside, label, 0).astype(np.uint16))
    return np.concatenate(images, axis=-1)


def truths(kind, semi_axes):
    """Return the true value of every estimator."""
    from scipy.special import ellipe, elliprg

    ndim, content = len(semi_axes), math.prod(semi_axes)
    lengths = sorted(semi_axes)
    if kind == "box":
        size = 2**ndim * content
        boundary = 2 * sum(size / (2 * a) for a in semi_axes)
        major = 2 * lengths[-1] * math.sqrt((ndim + 2) / 3)
        longest = 2 * math.hypot(*semi_axes)
    elif ndim == 3:
        a, b, c = lengths
        size = 4 / 3 * math.pi * content
        boundary = 4 * math.pi * elliprg((a * b) ** 2, (b * c) ** 2, (c * a) ** 2)
        major = longest = 2 * c
    else:
        a, b = lengths
        size = math.pi * content
        boundary = 4 * b * ellipe(1 - (a / b) ** 2)
        major = longest = 2 * b
    values = {"major axis": major, "Feret maximum": longest, "solidity": 1.0}
    if ndim == 2:
        circularity = 4 * math.pi * size / boundary**2
        return values | {
            "area": size,
            "perimeter, Crofton": boundary,
            "circularity": circularity,
            "Feret minimum": 2 * lengths[0],
        }
    sphericity = (36 * math.pi * size**2) ** (1 / 3) / boundary
    return values | {
        "volume": size,
        "volume, mesh": size,
        "surface area, Crofton": boundary,
        "surface area, mesh": boundary,
        "sphericity, Crofton": sphericity,
        "sphericity, mesh": sphericity,
    }


def estimates(labels, spacing):
    """Return the estimates of every body."""
    from bioagree.features import shape
    from bioagree.features.objects import Objects
    from bioagree.surfaces.marching_cubes import in_batches

    objects = Objects(labels, tuple(spacing))
    size, found = objects.moments.count * math.prod(spacing), shape.measure(objects)
    values = {
        "major axis": found["axis_major_um"],
        "Feret maximum": found["feret_max_um"],
        "solidity": found["solidity"],
    }
    if labels.ndim == 2:
        return values | {
            "area": size,
            "perimeter, Crofton": found["perimeter_um"],
            "circularity": found["circularity"],
            "Feret minimum": found["feret_min_um"],
        }
    parts = [meshes.areas_and_volumes() for meshes in in_batches(objects)]
    area, volume = (np.concatenate(part) for part in zip(*parts, strict=True))
    return values | {
        "volume": size,
        "volume, mesh": volume,
        "surface area, Crofton": found["surface_area_um2"],
        "surface area, mesh": area,
        "sphericity, Crofton": found["sphericity"],
        "sphericity, mesh": np.cbrt(36 * np.pi * volume**2) / area,
    }


def measure(n):
    """Yield one row for each body, distance of planes, radius and estimator."""
    for number, (body, (kind, axes, turn)) in enumerate(BODIES.items()):
        for step in STEPS:
            for radius in RADII:
                semi_axes = [radius * axis for axis in axes]
                spacing = (step, *PIXEL[len(axes)][1:])
                rng = np.random.default_rng([number, radius, int(step)])
                found = estimates(digitise(kind, semi_axes, turn, spacing, n, rng), spacing)
                for name, truth in truths(kind, semi_axes).items():
                    errors = 100 * (found[name] / truth - 1)
                    undefined = np.isnan(errors).sum()
                    defined = errors[~np.isnan(errors)]
                    yield {
                        "body": body,
                        "step": step,
                        "radius": radius,
                        "estimator": name,
                        "bias_percent": round(float(defined.mean()), 3) if len(defined) else None,
                        "spread_percent": round(float(defined.std()), 3) if len(defined) else None,
                        "n": n,
                        "undefined": int(undefined),
                    }


def tables(rows):
    """Return Markdown tables of bias ± spread in percent, one for each body."""
    text = []
    for body in dict.fromkeys(row["body"] for row in rows):
        part = [row for row in rows if row["body"] == body]
        names = list(dict.fromkeys(row["estimator"] for row in part))
        first = "lines" if body in list(BODIES)[-3:] else "planes"
        text += [f"\n### {body.capitalize()}\n"]
        text += ["| " + " | ".join([f"{first} / pixel", "radius", *names]) + " |"]
        text += ["|" + " ---: |" * (len(names) + 2)]
        for step in STEPS:
            for radius in RADII:
                cells = [
                    "–"
                    if row["bias_percent"] is None
                    else f"{row['bias_percent']:+.1f} ± {row['spread_percent']:.1f}"
                    for row in part
                    if row["step"] == step and row["radius"] == radius
                ]
                text += ["| " + " | ".join([f"{step:g}×", str(radius), *cells]) + " |"]
    return "\n".join(text) + "\n"


def draw(rows, path):
    """Draw the bias of surface area and volume of balls and turned ellipsoids."""
    from bioagree.figures.canvas import COLOURS, grid, save

    names = ("surface area, Crofton", "surface area, mesh", "volume", "volume, mesh")
    bodies = list(BODIES)[:2]
    figure, panels = grid(len(bodies) * len(STEPS), 2)
    for panel, (body, step) in zip(
        panels, [(body, step) for body in bodies for step in STEPS], strict=True
    ):
        panel.axhline(0, color="black", linewidth=0.8)
        for name, colour in zip(names, COLOURS, strict=False):
            chosen = [
                row
                for row in rows
                if (row["body"], row["step"], row["estimator"]) == (body, step, name)
            ]
            panel.errorbar(
                [row["radius"] for row in chosen],
                [row["bias_percent"] for row in chosen],
                [row["spread_percent"] for row in chosen],
                color=colour,
                marker="o",
                markersize=3,
                capsize=2,
                label=name,
            )
        panel.set_title(f"{body}, planes {step:g}×", fontsize=9)
        panel.set_xlabel("radius (pixels)")
        panel.set_ylabel("bias ± spread (%)")
    panels[0].legend(fontsize=7)
    save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--offsets", type=int, default=200, help="bodies of each size")
    parser.add_argument("--output", type=Path, help="folder for table, numbers and figure")
    given = parser.parse_args()
    rows = list(measure(given.offsets))
    text = tables(rows)
    print(text)
    if given.output:
        given.output.mkdir(parents=True, exist_ok=True)
        title = f"# Bias ± spread in percent, {given.offsets} bodies of each size\n"
        (given.output / "bias.md").write_text(title + text, encoding="utf-8")
        with (given.output / "bias.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        draw(rows, given.output / "bias.svg")


if __name__ == "__main__":
    main()
