"""Kernels that work on several objects at the same time.

Threads that Python starts are enough, since kernels release its lock. Numba's own threads would
have every kernel compiled several times over, which takes longer than most tables.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

PARTS = 8  # for each thread, so that all end at about the same time
SMALL = 20_000  # units of work that take less time than starting a thread


def share(kernel: Callable, work: np.ndarray, *arguments) -> None:
    """Call a kernel for ranges of items, in as many threads as Numba would use.

    Parameters
    ----------
    kernel : callable
        Is called with the first item, the one behind the last, and `arguments`; it writes what it
        finds on each item, and on no other, so that the result does not depend on the threads.
    work : numpy.ndarray of int64, shape (n + 1,)
        Sum of the work on all items before each, e.g. :attr:`bioagree.features.runs.Runs.first`.
    """
    n, threads = len(work) - 1, numba.get_num_threads()
    if threads == 1 or work[-1] < SMALL:
        kernel(0, n, *arguments)
        return
    levels = np.linspace(0, work[-1], threads * PARTS + 1)
    bounds = np.unique(np.searchsorted(work, levels))
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(
            lambda first, last: kernel(first, last, *arguments), bounds[:-1], bounds[1:]
        ):
            pass
