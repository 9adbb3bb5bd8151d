"""Slurm: when jobs died there, say why and what to change.

Needs: .snakemake/slurm_logs/, where the executor plugin keeps the logs of jobs that failed
Makes: sentences at the end of a failed run
"""

import time

from bioagree import slurm
from snakemake.logging import logger

PARSED = time.time()


onerror:
    for sentence in slurm.reasons(since=PARSED):
        logger.error(sentence)
