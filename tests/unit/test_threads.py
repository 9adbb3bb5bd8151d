"""Does a job start as many threads as it was given, and no more?"""

import os
import subprocess
import sys
from pathlib import Path

import bioagree
import pytest
from bioagree import device

LIBRARY = Path(bioagree.__file__).parents[1]
# Every thread's own CPU time is asked, since on a busy machine the time of all says little.
BLUR = """
import os, sys
from hashlib import sha256
import numpy as np
from bioagree import device

def spent():
    times = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        times[task] = int(fields[11]) + int(fields[12])
    return times

device.choose(sys.argv[1])
cle = device.kernels()
image = cle.push(np.random.default_rng(0).random((32, 192, 192), dtype="float32"))
blur = lambda: cle.pull(cle.gaussian_blur(image, sigma_x=4, sigma_y=4, sigma_z=4))
blur()  # compiles
before = spent()
for _ in range(2):
    blurred = blur()
gained = {task: time - before.get(task, 0) for task, time in spent().items()}
busy = sum(time > 0.2 * sum(gained.values()) for time in gained.values())
print(busy, sha256(blurred).hexdigest())
"""
LEARN = """
from dataclasses import asdict
from hashlib import sha256
import numpy as np
import bioagree, numba
from bioagree.statistics.prediction import predict
from sklearn.ensemble import RandomForestClassifier
from bioagree import trees

rng = np.random.default_rng(1)
groups, images = rng.integers(0, 2, 400), np.arange(400) // 50
values = rng.normal(groups[:, None] * [1.0, 0.5, 0], 1, (400, 3))
forest = trees.from_sklearn(RandomForestClassifier(20, random_state=0).fit(values, groups))
told = trees.probabilities(forest, rng.normal(size=(200_000, 3)))
np.set_printoptions(floatmode="unique", threshold=10**6)
names = np.where(groups, "large", "small")
found = predict(values, ["a", "b", "c"], names, images, seed=3, folds=4, trees=20)
text = repr([list(asdict(one).items()) for one in found])
print(numba.get_num_threads(), sha256(told).hexdigest(), sha256(text.encode()).hexdigest())
"""
MISSING = {"intel": device._intel_driver() is None, "pocl": device._pocl_driver() is None}


def run(script, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": str(LIBRARY)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["intel", "pocl"])
def test_a_cpu_runtime_works_in_as_many_threads_as_the_job_has_with_equal_results(wanted):
    if MISSING[wanted]:
        pytest.skip(f"the CPU runtime {wanted!r} is not installed here")
    one, first = run(BLUR, wanted, OMP_NUM_THREADS="1")
    two, second = run(BLUR, wanted, OMP_NUM_THREADS="2")
    assert (one, two) == ("1", "2")
    assert first == second


def test_numba_works_in_as_many_threads_as_the_job_has():
    script = "import bioagree, numba; print(numba.get_num_threads())"
    assert run(script, OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="2") == ["1"]
    assert run(script, OMP_NUM_THREADS="2", NUMBA_NUM_THREADS="1") == ["2"]


@pytest.mark.parametrize("number", ["", "0", "2,1", "many"])
def test_what_is_no_number_of_threads_changes_nothing(number):
    script = "import bioagree, os; print(os.environ['NUMBA_NUM_THREADS'])"
    assert run(script, OMP_NUM_THREADS=number, NUMBA_NUM_THREADS="7") == ["7"]


@pytest.mark.slow
def test_forests_and_predictions_are_the_same_with_one_thread_and_with_three():
    one = run(LEARN, OMP_NUM_THREADS="1")
    three = run(LEARN, OMP_NUM_THREADS="3")
    assert (one[0], three[0]) == ("1", "3")
    assert one[1:] == three[1:]
