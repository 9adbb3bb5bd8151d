"""Motion: steps of an object between frames, and what its whole track did.

Positions are centroids, with an error s along each axis from one frame to the next (segmentation
noise). Drift is subtracted before, where that is asked for.
"""

from bioagree.features.dictionary import Feature

_CVE = (
    "Vestergaard, Blainey & Flyvbjerg 2014, Phys. Rev. E 89, 022726, doi:10.1103/PhysRevE.89.022726"
)
_NO_STEP = "NaN for the first object of a track, also after a division."


def _moving(*entry, **more) -> Feature:
    return Feature(*entry, needs="time", **more)


def _whole(*entry, **more) -> Feature:
    return Feature(*entry, needs="time", of="track", **more)


OBJECTS = (
    _moving(
        "displacement_um",
        "µm",
        "Distance to the object's centroid where it was seen last, k frames before. An error s of "
        "each position along each of d axes adds 2 d s² to its expected square. " + _NO_STEP,
    ),
    _moving(
        "displacement_{axis}_um",
        "µm",
        "Displacement along one axis, with its sign. " + _NO_STEP,
    ),
    _moving(
        "speed_um_per_s",
        "µm/s",
        "Displacement divided by the k time steps it took. Too high by the error of the positions "
        "where the object hardly moves, and too low where it turns between frames. " + _NO_STEP,
    ),
    _moving(
        "acceleration_um_per_s2",
        "µm/s²",
        "Length of the difference of the velocities after and before the object, divided by the "
        "time between the middles of the two steps. An error s of each position gives √6 s/dt² "
        "along each axis even at rest. NaN for the first and the last object of a track.",
    ),
    _moving(
        "turning_angle_deg",
        "°",
        "Angle between the steps before and after the object, 0 straight on, 180 back. Mere error "
        "of the positions turns an object at rest back by more than 90° on average. NaN for the "
        "first and the last object of a track, and where one of the steps is 0.",
    ),
)

TRACKS = (
    _whole("first_frame", "", "First frame, counted from 0.", kind="integer"),
    _whole("last_frame", "", "Last frame, counted from 0.", kind="integer"),
    _whole(
        "track_objects",
        "",
        "Number of objects; less than its frames where there are gaps.",
        kind="integer",
    ),
    _whole("duration_s", "s", "Time from the first to the last object."),
    _whole(
        "path_length_um",
        "µm",
        "Sum of the displacements. Grows with the number of frames by the error of the "
        "positions alone. NaN with a single object.",
    ),
    _whole(
        "net_displacement_um",
        "µm",
        "Distance from the first to the last centroid. NaN with a single object.",
        elsewhere="Also called end-to-end distance.",
    ),
    _whole(
        "straightness",
        "",
        "Net displacement divided by path length, 1 for a straight line. Falls with the "
        "number of frames, so compare tracks of the same duration and time step. NaN with a "
        "single object or a path of length 0.",
        elsewhere="Also called confinement ratio, directionality ratio, or meandering index. "
        "Mastodon's branch sinuosity is its inverse.",
    ),
    _whole(
        "mean_speed_um_per_s",
        "µm/s",
        "Path length divided by duration. NaN with a single object.",
    ),
    _whole(
        "mean_turning_angle_deg",
        "°",
        "Mean of the turning angles of its objects; 90 for a random walk in 2D and 3D. "
        "NaN where there is none.",
    ),
    _whole("divides", "", "Whether it ends in a division.", kind="boolean"),
    _whole(
        "time_to_division_s",
        "s",
        "Time from its first object to the first of its daughters. The length of the "
        "cell cycle where the track itself began with a division (parent is not 0), and a lower "
        "limit otherwise. NaN for a track that does not divide, so the mean favours fast cells.",
    ),
    _whole(
        "msd_lag_{count}_um2",
        "µm²",
        "Mean squared displacement over so many frames, of all pairs of objects that "
        "far apart. An error s of each position along each of d axes adds 2 d s². NaN without a "
        "pair.",
        "Qian, Sheetz & Elson 1991, Biophys. J. 60, 910-921, doi:10.1016/S0006-3495(91)82125-7",
    ),
    _whole(
        "diffusion_um2_per_s",
        "µm²/s",
        "Diffusion coefficient from the steps u between consecutive frames, "
        "<u²>/(2 dt) + <u u'>/dt, mean over the axes, u' being the step after u. Not biased by the "
        "error of the positions, and negative by chance where there is little motion. It is that "
        "of a random walk, and means nothing for directed or confined motion. NaN without two "
        "steps in a row.",
        _CVE,
    ),
    _whole(
        "localisation_error_um",
        "µm",
        "Error of the positions along an axis, √(-<u u'>), by the same estimator, "
        "without motion blur. NaN where steps go on in their direction (<u u'> above 0), and "
        "without two steps in a row.",
        _CVE,
    ),
    _whole(
        "msd_exponent",
        "",
        "Slope of the logarithm of the mean squared displacement over the logarithm of "
        "the lag, by least squares, for lags of 1, 2, 4, … frames up to a quarter of the track's: "
        "1 for a random walk, 2 for a straight line. The error of the positions lowers it, and "
        "that of a single track scatters widely. NaN with fewer than three such lags, as always "
        "below 16 frames.",
    ),
)

FEATURES = OBJECTS + TRACKS
