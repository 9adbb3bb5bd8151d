"""Record the results, so that other runs can be compared with them."""

import sys
from pathlib import Path

from bioagree.errors import InputError
from bioagree.verification import provenance, recordings
from bioagree.verification.progress import told

params = snakemake.params
results, path = Path(snakemake.input.page).parents[1], Path(params.recording)
try:
    run = provenance.read_run(params.title, params.samples, results, params.records)
    recordings.record(path, run, results, told)
except InputError as error:
    sys.exit(f"record: {error}")
except OSError as error:
    sys.exit(f"record: cannot write to {path}: {error.strerror}; nothing was recorded")
text = f"{len(run.artefacts)} artefacts recorded in {path} ({path.stat().st_size / 1e3:,.0f} kB)"
Path(snakemake.log[0]).write_text(text + "\n", encoding="utf-8")
print(text, flush=True)
