"""How far a long transfer has come: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 10.0  # between two lines


@contextmanager
def shown(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Give a function that takes counts of bytes as they go; negative ones take back."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(desc=name, total=size, unit="B", unit_scale=True, leave=False) as bar:
            yield bar.update
        return
    done, last = 0, time.monotonic()

    def count(more: int) -> None:
        nonlocal done, last
        done += more
        if time.monotonic() - last > SECONDS:
            last = time.monotonic()
            print(f"{name}: {done:,} of {size:,} bytes sent", file=sys.stderr, flush=True)

    print(f"{name}: {size:,} bytes to send", file=sys.stderr, flush=True)
    yield count
