"""A word to whoever waits, since reading everything that a large study made takes a while."""

import sys
import time
from collections.abc import Iterator, Sequence

SECONDS = 10.0  # between two lines


def told(names: Sequence[str]) -> Iterator[str]:
    """Yield the names, and say on the terminal how far one has come, when it takes long."""
    last = time.monotonic()
    for done, name in enumerate(names):
        if time.monotonic() - last > SECONDS:
            last = time.monotonic()
            print(f"{done:,} of {len(names):,} read, now {name}", file=sys.stderr, flush=True)
        yield name
