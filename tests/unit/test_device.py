"""Is the device chosen once, can it be forced, and is its absence one clear error?"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bioagree import device
from bioagree.device import CHOICES, Device
from bioagree.errors import InputError

LIBRARY = Path(device.__file__).parents[1]
CUDA = Device("cuda", "gpu", "NVIDIA A100", "CUDA 12.4")
OPENCL_GPU = Device("opencl", "gpu", "Radeon", "OpenCL 2.0, AMD, 3581.0")
INTEL = Device("opencl", "cpu", "AMD EPYC", "OpenCL 3.1, Intel(R) Corporation, 2026.22")
POCL = Device("opencl", "cpu", "pthread-AMD EPYC", "PoCL 3.0, AuthenticAMD, 3.0")
INTEL_GPU = Device("opencl", "gpu", "Intel(R) UHD", "Intel(R) Corporation, 23.1")
MACHINE = {
    "cuda": [CUDA],
    "opencl": [OPENCL_GPU, INTEL, POCL],
}


class Kernels:
    """Stands for pyclesperanto on a machine with the given devices."""

    def __init__(self, machine, broken=()):
        self.machine, self.broken, self.backend = machine, broken, None

    def list_available_backends(self):
        return list(reversed(self.machine))

    def select_backend(self, backend):
        if backend in self.broken:
            raise RuntimeError("no driver")
        self.backend = backend

    def list_available_devices(self, kind="all"):
        found = [d for d in self.machine[self.backend] if kind in ("all", d.kind)]
        return [d.name for d in reversed(found)]


@pytest.fixture
def machine(monkeypatch):
    """Return a function that puts this process on a machine with other devices."""

    def become(devices, broken=()):
        kernels = Kernels(devices, broken)
        known = {d.name: d for some in devices.values() for d in some}
        monkeypatch.setattr(device, "_chosen", None)
        monkeypatch.setattr(device, "_offer_wheel_drivers", lambda: None)
        monkeypatch.setattr(device, "_import_pyclesperanto", lambda: kernels)
        monkeypatch.setattr(device, "_describe", lambda cle, backend, kind, name: known[name])

    return become


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("auto", CUDA),
        ("cuda", CUDA),
        ("opencl-gpu", OPENCL_GPU),
        ("opencl-cpu", INTEL),
        ("intel", INTEL),
        ("pocl", POCL),
    ],
)
def test_each_choice_takes_its_device(machine, wanted, expected):
    machine(MACHINE)
    assert device.choose(wanted) == expected


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ({"opencl": [OPENCL_GPU, INTEL, POCL]}, OPENCL_GPU),
        ({"opencl": [INTEL, POCL]}, INTEL),
        ({"opencl": [POCL]}, POCL),
    ],
)
def test_auto_takes_the_fastest_that_is_there(machine, devices, expected):
    machine(devices)
    assert device.choose() == expected


def test_a_backend_without_driver_is_passed_over(machine):
    machine(MACHINE, broken=["cuda"])
    assert device.choose() == OPENCL_GPU


def test_intel_means_the_cpu_runtime_and_no_graphics_of_that_vendor(machine):
    machine({"opencl": [INTEL_GPU]})
    with pytest.raises(InputError, match="'intel' is not available"):
        device.choose("intel")


@pytest.mark.parametrize("wanted", [c for c in CHOICES if c not in ("auto", "opencl-cpu", "pocl")])
def test_a_forced_device_that_is_not_there_stops_and_says_what_is(machine, wanted):
    machine({"opencl": [POCL]})
    with pytest.raises(InputError) as caught:
        device.choose(wanted)
    sentence = str(caught.value)
    assert f"device {wanted!r} is not available here" in sentence
    assert "pthread-AMD EPYC (opencl cpu, PoCL 3.0" in sentence
    assert "device: auto" in sentence


def test_no_device_at_all_is_said(machine):
    machine({})
    with pytest.raises(InputError, match="found: none"):
        device.choose()


def test_the_device_is_chosen_once_a_process(machine):
    machine({"opencl": [INTEL, POCL]})
    assert device.choose("pocl") == POCL
    assert device.choose("auto") == POCL
    assert device.choose("opencl-cpu") == POCL
    with pytest.raises(InputError, match="'intel' was asked for, but .*already in use"):
        device.choose("intel")


def test_an_unknown_choice_is_refused_before_anything_is_loaded():
    with pytest.raises(InputError, match="device 'gpu' is unknown; allowed are auto, cuda, "):
        device.choose("gpu")


def test_the_real_device_says_what_it_is_and_computes():
    chosen = device.choose()
    assert chosen.backend in ("cuda", "opencl")
    assert chosen.kind in ("gpu", "cpu")
    assert chosen.name
    assert chosen.driver
    assert device.choose() is chosen
    cle = device.kernels()
    ones = cle.push(np.ones((3, 4), "float32"))
    assert cle.pull(cle.add_image_and_scalar(ones, scalar=2)).tolist() == [[3.0] * 4] * 3


def run(script, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"PYTHONPATH": str(LIBRARY)} | environment,
        capture_output=True,
        text=True,
    )


def test_without_any_driver_there_is_one_clear_error(tmp_path):
    """As on a machine where neither drivers nor the wheels with CPU runtimes are installed."""
    script = (
        "from bioagree import device\n"
        "device._offer_wheel_drivers = lambda: None\n"
        "import sys, types\n"
        "sys.modules['pyclesperanto'] = types.ModuleType('pyclesperanto')\n"
        "from bioagree.errors import InputError\n"
        "try:\n    device.choose()\nexcept InputError as error:\n    print(error)\n"
    )
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("no OpenCL or CUDA driver can be loaded")
    assert "uv sync" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.skipif(
    device._intel_driver() is None or device._pocl_driver() is None,
    reason="needs both CPU runtimes that come as wheels, and the linker `ld` for PoCL",
)
def test_both_runtimes_of_the_environment_give_the_same_labels():
    script = (
        "import sys, numpy as np\n"
        "from hashlib import sha256\n"
        "from bioagree import device, segmentation\n"
        "from bioagree.images import Image\n"
        "chosen = device.choose(sys.argv[1] if len(sys.argv) > 1 else WANTED)\n"
        "noise = np.random.default_rng(3).normal(size=(40, 40)).astype('float32')\n"
        "image = Image(noise, 'YX', (0.5, 0.5))\n"
        "gauss_otsu = segmentation.load('clesperanto', 'gauss_otsu')\n"
        "labels = segmentation.label(image, gauss_otsu, {'sigma_um': 1.0}).array\n"
        "print(chosen.driver, sha256(labels).hexdigest(), labels.max())\n"
    )
    said = {}
    for wanted in ("intel", "pocl"):
        done = run(script.replace("WANTED", repr(wanted)))
        assert done.returncode == 0, done.stderr
        said[wanted] = done.stdout.rsplit(" ", 2)
    assert said["intel"][0] != said["pocl"][0]
    assert "Intel" in said["intel"][0]
    assert said["intel"][1:] == said["pocl"][1:]
    assert int(said["intel"][2]) > 3


def test_pocl_is_not_offered_where_it_could_not_link_its_kernels(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert device._pocl_driver() is None
