"""Plain functions on images, labels and tables for asking whether measurement methods agree.

The library knows nothing of Snakemake: the scripts beside this package connect the two. Two things
must happen before any other import, so they stand here: a job that has a conda environment of its
own uses the packages of that environment and no others, and a job starts no more threads than it
was given.
"""

import os
import sys
import sysconfig

# Of what starts threads and does not heed OMP_NUM_THREADS.
THREADS = (
    "NUMBA_NUM_THREADS",
    "CL_CONFIG_CPU_TBB_NUM_WORKERS",  # Intel's OpenCL runtime
    "POCL_MAX_PTHREAD_COUNT",
    "POCL_CPU_MAX_CU_COUNT",  # the same since PoCL 4
    "TIFFFILE_NUM_THREADS",
)


def _keep_to_own_environment() -> None:
    """Take the packages of the controller off the search path of a job in a conda environment.

    Snakemake appends its own search path to that of every script, since the script unpickles
    objects of Snakemake. A package that the environment lacks would thus be found where Snakemake
    is installed, in any version; without this path its import fails, as it must. Modules of
    Snakemake are still found, since their package is loaded.
    """
    snakemake, conda = sys.modules.get("snakemake"), os.environ.get("CONDA_PREFIX")
    if not snakemake or not conda or os.path.realpath(conda) != os.path.realpath(sys.prefix):
        return
    home = os.path.dirname(os.path.dirname(snakemake.__file__))
    appended = sys.path.index(home) if home in sys.path else 0
    # Where Snakemake stands before the packages of this Python, it is meant to be found there: in
    # the same environment, or by PYTHONPATH, which Snakemake hides from jobs in an environment.
    if sysconfig.get_path("purelib") in sys.path[:appended]:
        sys.path[appended:] = [os.path.dirname(os.path.dirname(__file__))]


def _keep_to_own_threads() -> None:
    """Tell every library how many threads it may start, before one of them asks.

    Snakemake gives its jobs the number in OMP_NUM_THREADS, which OpenMP, BLAS and Arrow heed.
    """
    number = os.environ.get("OMP_NUM_THREADS", "")
    if number.isdigit() and int(number) > 0:
        os.environ.update(dict.fromkeys(THREADS, number))


_keep_to_own_environment()
_keep_to_own_threads()
