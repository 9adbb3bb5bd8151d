"""The rules as they ran and what flowed between them, drawn from the jobs' own records."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bioagree.figures import canvas


def draw(path: str | Path, records: Iterable[Mapping]) -> None:
    """Draw one box a rule with its number of jobs, and an arrow where a file went on.

    Parameters
    ----------
    path : str or Path
        Where to write.
    records : iterable of mapping
        Provenance records.
    """
    import networkx

    records = list(records)
    makers = {out: record["rule"] for record in records for out in record["outputs"]}
    graph = networkx.DiGraph()
    for record in records:
        graph.add_node(record["rule"])
        graph.nodes[record["rule"]].setdefault("jobs", 0)
        graph.nodes[record["rule"]]["jobs"] += 1
        for source in record["inputs"]:
            if makers.get(source, record["rule"]) != record["rule"]:
                graph.add_edge(makers[source], record["rule"])
    layers = dict(enumerate(map(sorted, networkx.topological_generations(graph))))
    figure, (axes,) = canvas.grid(1, 1, panel=(11, 3.6))
    axes.set_axis_off()
    if not graph:
        canvas.say(axes, "No job has left a record.")
        canvas.save(figure, path)
        return
    places = networkx.multipartite_layout(graph, subset_key=layers, scale=1)
    for first, second in graph.edges:
        axes.annotate(
            "",
            places[second],
            places[first],
            arrowprops={
                "arrowstyle": "-|>",
                "color": "0.55",
                "shrinkA": 26,
                "shrinkB": 26,
                "connectionstyle": "arc3,rad=0.12",
            },
        )
    for rule, (x, y) in places.items():
        axes.text(
            x,
            y,
            f"{rule.replace('_', chr(10))}\n× {graph.nodes[rule]['jobs']}",
            ha="center",
            va="center",
            fontsize=9,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "#0072B2"},
        )
    across, down = zip(*places.values(), strict=True)
    axes.set_xlim(min(across) - 0.1, max(across) + 0.1)
    axes.set_ylim(min(down) - 0.3, max(down) + 0.3)
    canvas.save(figure, path)
