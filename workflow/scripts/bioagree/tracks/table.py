"""Tracks of a whole sample: objects linked, drift taken off, and their motion measured."""

from bioagree.features import motion
from bioagree.features.dictionary import unit_of
from bioagree.tables import Table
from bioagree.tracks.drift import correct, estimate_drift
from bioagree.tracks.linking import link


def track(
    objects: Table,
    *,
    time_step_s: float,
    correct_drift: bool = False,
    max_drift_um: float | None = None,
    **linking,
) -> tuple[Table, Table, Table | None]:
    """Link the objects of the movies of a sample, and measure how they move.

    Parameters
    ----------
    objects : Table
        Features of every object and frame.
    time_step_s : float
        Seconds between frames.
    correct_drift : bool
        Whether to estimate what all objects move together, and take it off.
    max_drift_um : float, optional
        See :func:`bioagree.tracks.drift.estimate_drift`.
    **linking
        Parameters of :func:`bioagree.tracks.linking.link`.

    Returns
    -------
    objects : Table
        `image`, `frame`, `label`, `track`, `parent` and the motion of every object; `about` has
        the limits that were used.
    tracks : Table
        One row for each track.
    drift : Table or None
        Drift of every frame, where it was taken off.
    """
    drift = estimate_drift(objects, max_drift_um=max_drift_um) if correct_drift else None
    if drift is not None:
        objects = correct(objects, drift)
    linked = link(objects, **linking)
    moves = motion.measure_objects(objects, linked, time_step_s=time_step_s)
    columns = linked.columns | moves
    whole = motion.measure_tracks(objects, linked, time_step_s=time_step_s)
    return (
        Table(columns, {name: unit_of(name) for name in columns}, linked.about),
        Table(whole, {name: unit_of(name) for name in whole}, linked.about),
        drift,
    )


def drift_facts(drift: Table | None) -> dict:
    """Return the drift of every frame by image and axis, for the record of a job."""
    if drift is None:
        return {}
    columns = drift.columns
    axes = [name for name in columns if name.startswith("drift_")]
    return {
        str(image): {name: columns[name][columns["image"] == image].tolist() for name in axes}
        for image in dict.fromkeys(columns["image"].tolist())
    }
