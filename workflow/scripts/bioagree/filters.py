"""Named filter steps, chained in ``methods.yaml``; all lengths are in µm.

Every step is one function ``step(image, *, ...)`` from an image on the device to an image on the
device. The kernels are pyclesperanto's; what is added here is the voxel size, so that one value
means the same on every microscope and along every axis.

A chain may begin with ``channel: {name: ...}``; it then filters that channel, and not the one
that the dataset names for all methods.
"""

from bioagree import device
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.parameters import check_steps, in_voxels

CHANNEL = "channel"


def check(steps: list, where: str) -> None:
    """Check a chain of filter steps.

    Raises
    ------
    InputError
        Names the place, the step, and what is allowed.
    """
    check_steps(steps, {CHANNEL: channel} | STEPS, where)
    for index, step in enumerate(steps[1:], start=2):
        if CHANNEL in step:
            raise InputError(f"{where}, step {index}: only the first step can choose a channel")


def channel_of(steps: list[dict]) -> str | None:
    """Return the channel that a chain chooses, None when it leaves that to the dataset."""
    return steps[0][CHANNEL]["name"] if steps and CHANNEL in steps[0] else None


def channel(*, name: str) -> None:
    """Filter the channel of that name; stands first in a chain."""


def apply(image: Image, steps: list[dict], default: str | None = None) -> Image:
    """Run a chain of filter steps on every time point of one channel.

    Parameters
    ----------
    image : Image
        Intensities.
    steps : list of dict
        One-key mappings from the step's name to its parameters, in order; none copies the image.
    default : str, optional
        The channel to take when the chain names none; the first unless given.

    Returns
    -------
    Image
        32-bit floating point on the same grid.
    """
    cle = device.kernels()
    chosen = channel_of(steps)
    image = image.channel(chosen or default)

    def run(frame: Image):
        array = cle.push(frame.array.astype("float32", copy=False))
        for step in steps[1:] if chosen else steps:
            ((name, parameters),) = step.items()
            array = STEPS[name](array, frame.spacing, **parameters)
        return cle.pull(array)

    return image.with_array(image.map_frames(run), image.channels)


def gaussian(array, spacing, *, sigma_um: float):
    """Blur with a Gaussian of standard deviation `sigma_um`: removes noise, softens edges."""
    return device.kernels().gaussian_blur(array, **_along_axes("sigma", sigma_um, spacing))


def median(array, spacing, *, radius_um: float):
    """Take the median over a box reaching `radius_um`: removes specks, keeps edges."""
    return device.kernels().median(
        array, connectivity="box", **_along_axes("radius", radius_um, spacing, whole=True)
    )


def difference_of_gaussians(array, spacing, *, small_sigma_um: float, large_sigma_um: float):
    """Subtract a wide blur from a narrow one: keeps structures between the two sizes."""
    return device.kernels().difference_of_gaussian(
        array,
        **_along_axes("sigma1", small_sigma_um, spacing),
        **_along_axes("sigma2", large_sigma_um, spacing),
    )


def top_hat(array, spacing, *, radius_um: float):
    """Subtract the grey opening with a box reaching `radius_um`: removes wider background."""
    return device.kernels().top_hat(
        array, connectivity="box", **_along_axes("radius", radius_um, spacing, whole=True)
    )


def sobel(array, spacing):
    """Return the Sobel gradient magnitude per voxel step: bright at edges."""
    return device.kernels().sobel(array)


def laplace(array, spacing):
    """Return the negative Laplacian over all neighbouring voxels: bright at spots and ridges."""
    return device.kernels().laplace(array, connectivity="box")


STEPS = {
    "gaussian": gaussian,
    "median": median,
    "difference_of_gaussians": difference_of_gaussians,
    "top_hat": top_hat,
    "sobel": sobel,
    "laplace": laplace,
}


def _along_axes(prefix: str, length_um: float, spacing, whole: bool = False) -> dict[str, float]:
    voxels = in_voxels(length_um, spacing, whole)
    return {f"{prefix}_{axis}": step for axis, step in zip("xyz", reversed(voxels), strict=False)}
