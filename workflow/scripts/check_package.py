"""Check a package that somebody has: `python3 workflow/scripts/check_package.py PATH`."""

import argparse
import sys
from pathlib import Path

from bioagree.errors import InputError
from bioagree.publication.checking import check
from bioagree.publication.opened import Opened
from bioagree.verification.progress import told

parser = argparse.ArgumentParser(
    description="Check that a package is whole, and agrees with itself"
)
parser.add_argument("package", type=Path, help="its folder or ZIP file")
path = parser.parse_args().package
try:
    with Opened(path) as package:
        found = check(package, told)
except InputError as error:
    sys.exit(f"check: {error}")
for fault in found.faults:
    print(fault)
print(found.summary)
sys.exit(1 if found.faults else 0)
