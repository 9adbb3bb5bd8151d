"""What of a machine can change the last digit of a result."""

import pytest
from bioagree import machine


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "flags\t\t: fpu sse2 avx2 fma avx512f avx\n",
            ["avx", "avx2", "avx512f", "fma"],
        ),
        ("processor: 0\nFeatures\t: fp asimd sve crc32\n", ["asimd", "sve"]),
        ("nothing of that kind", []),
    ],
)
def test_vector_instructions(tmp_path, text, found):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert machine.vector_instructions(path) == found
    assert machine.vector_instructions(tmp_path / "none") == []
