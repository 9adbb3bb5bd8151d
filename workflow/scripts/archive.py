"""Archive the package, or show what archiving would send."""

import sys
from pathlib import Path

from bioagree.errors import InputError
from bioagree.publication import archiving
from bioagree.publication.building import Request

params = snakemake.params
try:
    request = Request.read(params.request, params.records, Path(snakemake.input.page).parents[1])
    archiving.archive(request, params.archive, Path(snakemake.log[0]), preview=params.preview)
except InputError as error:
    sys.exit(f"archive: {error}")
except KeyboardInterrupt:
    sys.exit("archive: interrupted; run it again, and it goes on from here")
except OSError as error:
    sys.exit(f"archive: {error.filename} cannot be used ({error.strerror})")
