"""What of a machine can change the last digit of a result: its vector instructions."""

import re
from pathlib import Path

# NumPy, BLAS and compilers choose by these how they add up, and sums depend on their order.
VECTORS = re.compile(r"sse4_[12]|ssse3|avx\w*|fma|f16c|asimd\w*|sve\w*")


def vector_instructions(cpuinfo: str | Path = "/proc/cpuinfo") -> list[str]:
    """Return the vector instructions of this processor, sorted; empty where Linux is absent."""
    try:
        text = Path(cpuinfo).read_text(errors="replace")
    except OSError:
        return []
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return sorted({flag for flag in flags[1].split() if VECTORS.fullmatch(flag)}) if flags else []
