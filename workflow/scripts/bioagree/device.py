"""Which GPU or CPU runtime does the work: chosen once a process, and recorded with the result.

The same pyclesperanto kernels run on CUDA and on OpenCL, so a laptop without a GPU can reproduce
a cluster's labels. Where there is no OpenCL driver at all, those that came as Python wheels are
used: Intel's CPU runtime, which is 25 times faster for large kernels, or PoCL.
"""

import ctypes
import os
import shutil
import sys
import sysconfig
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bioagree.errors import InputError

CHOICES = ("auto", "cuda", "opencl-gpu", "opencl-cpu", "intel", "pocl")
POCL_NEEDS = "ld"  # links every kernel
INTEL_NEEDS = ("libintlc.so.5", "libimf.so", "libsvml.so", "libtbb.so.12")

_chosen: "Device | None" = None


@dataclass(frozen=True)
class Device:
    """What the kernels ran on.

    Parameters
    ----------
    backend : {"cuda", "opencl"}
        pyclesperanto's backend.
    kind : {"gpu", "cpu"}
        Whether it is a graphics processor.
    name : str
        The name that the driver gives.
    driver : str
        Vendor and version of the runtime.
    """

    backend: str
    kind: str
    name: str
    driver: str


def choose(wanted: str = "auto") -> Device:
    """Choose the device for this process; later calls must want the same.

    Parameters
    ----------
    wanted : str
        One of :data:`CHOICES`. ``auto`` takes CUDA, then an OpenCL GPU, then the fastest OpenCL
        CPU runtime. ``intel`` and ``pocl`` name a CPU runtime.

    Returns
    -------
    Device

    Raises
    ------
    InputError
        When no such device is there; the message says which ones are.
    """
    global _chosen
    if wanted not in CHOICES:
        raise InputError(f"device {wanted!r} is unknown; allowed are {', '.join(CHOICES)}")
    if _chosen is None:
        _chosen = _choose(wanted)
    elif not _fits(_chosen, wanted):
        raise InputError(f"device {wanted!r} was asked for, but {_chosen} is already in use")
    return _chosen


def kernels():
    """Return the pyclesperanto module, with its device chosen."""
    choose()
    return _import_pyclesperanto()


def _choose(wanted: str) -> Device:
    _offer_wheel_drivers()
    cle = _import_pyclesperanto()
    seen = []
    for backend, kind, name in _available(cle):
        device = _describe(cle, backend, kind, name)
        seen.append(f"{device.name} ({backend} {kind}, {device.driver})")
        if _fits(device, wanted):
            return device
    found = "; ".join(seen) if seen else "none"
    raise InputError(
        f"device {wanted!r} is not available here; found: {found}. On Linux, "
        "`uv sync` installs CPU runtimes (PoCL needs the linker `ld` too: Debian's binutils); set "
        "`device: auto` in the config to take what is there"
    )


def _fits(device: Device, wanted: str) -> bool:
    text = f"{device.name} {device.driver}".lower()
    return {
        "auto": True,
        "cuda": device.backend == "cuda",
        "opencl-gpu": device.backend == "opencl" and device.kind == "gpu",
        "opencl-cpu": device.backend == "opencl" and device.kind == "cpu",
        "intel": device.kind == "cpu" and "intel" in text,
        "pocl": "pocl" in text or "pthread" in text,
    }[wanted]


def _available(cle):
    """Yield (backend, kind, name), best first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        backends = [name for name in ("cuda", "opencl") if name in cle.list_available_backends()]
        for backend in backends:
            try:
                cle.select_backend(backend)
            except (RuntimeError, ImportError):  # installed, but no driver for it
                continue
            # A name may occur twice, so devices are taken by kind and the faster runtime first.
            for kind in ("gpu", "cpu"):
                names = cle.list_available_devices(kind) if backend == "opencl" else []
                if backend == "cuda" and kind == "gpu":
                    names = cle.list_available_devices()
                for name in sorted(names, key=lambda name: name.startswith(("pthread", "cpu-"))):
                    yield backend, kind, name


def _describe(cle, backend: str, kind: str, name: str) -> Device:
    device = cle.select_device(name, kind if backend == "opencl" else "all")
    facts = dict(
        line.strip().split(":", 1) for line in str(device.info).splitlines() if ":" in line
    )
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    title = str(device.info).splitlines()[0].partition(f"{name} (")[2].removesuffix(")")
    parts = (title, facts.get("Vendor"), facts.get("Driver Version"))
    return Device(backend, kind, name, ", ".join(part for part in parts if part))


@cache
def _import_pyclesperanto():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        import pyclesperanto

    if not hasattr(pyclesperanto, "gaussian_blur"):
        raise InputError(
            "no OpenCL or CUDA driver can be loaded, so no GPU rule can run; on x86-64 Linux "
            "`uv sync` installs CPU runtimes (PoCL needs the linker `ld` too: Debian's binutils), "
            "elsewhere install PoCL (conda-forge: pocl)"
        )
    return pyclesperanto


def _offer_wheel_drivers() -> None:
    """Add the CPU runtimes that came as wheels to those the OpenCL loader knows."""
    drivers = [str(path) for path in (_intel_driver(), _pocl_driver()) if path]
    if drivers:
        known = os.environ.get("OCL_ICD_FILENAMES")
        os.environ["OCL_ICD_FILENAMES"] = os.pathsep.join(([known] if known else []) + drivers)


def _intel_driver() -> Path | None:
    libraries = Path(sys.prefix) / "lib"
    driver = libraries / "libintelocl.so"
    if not driver.exists():
        return None
    try:
        for name in INTEL_NEEDS:  # they lie outside the loader's search path
            ctypes.CDLL(str(libraries / name), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None
    return driver


def _pocl_driver() -> Path | None:
    if shutil.which(POCL_NEEDS) is None:  # it would fail at the first kernel
        return None
    folder = Path(sysconfig.get_path("platlib")) / "pyopencl" / ".libs"
    return next(folder.glob("libpocl-*.so"), None)
