"""Compare the results with a recorded run, and print the verdict artefact by artefact."""

import os
import sys
from pathlib import Path

from bioagree import tables
from bioagree.errors import InputError
from bioagree.verification import provenance, verdict
from bioagree.verification.progress import told
from bioagree.verification.recordings import Recording

params = snakemake.params
results = Path(snakemake.input.page).parents[1]
try:
    run = provenance.read_run(params.title, params.samples, results, params.records)
    recording = Recording(Path(params.recording))
    found = verdict.verify(run, recording, results, told)
except InputError as error:
    sys.exit(f"verify: {error}")
text = verdict.table(found, recording, results)
print(text, flush=True)
written = results / "verification" / "verdict.csv"
temporary = written.with_name(f".partial-{written.name}")
try:
    Path(snakemake.log[0]).write_text(text + "\n", encoding="utf-8")
    written.parent.mkdir(exist_ok=True)
    tables.write_csv(temporary, verdict.columns(found, run, recording))
    os.replace(temporary, written)
except OSError as error:
    temporary.unlink(missing_ok=True)
    sys.exit(f"verify: the verdict cannot be written to {written} ({error.strerror})")
sys.exit(0 if found.complete else 1)
