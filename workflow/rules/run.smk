"""Run: only the latest run in a folder may write there, and its jobs end with it.

Needs: a folder that locks files; where none can be locked, runs at once are not told apart.
Makes: .snakemake/bioagree/run, the name of the latest run, which its jobs find in BIOAGREE_RUN
"""

from bioagree import runs
from snakemake_interface_executor_plugins.settings import SharedFSUsage

# Snakemake inside a job of a cluster removes what it finds in the place of a failed job's outputs,
# so it must not go on when its run has been replaced.
try:
    if workflow.is_main_process:
        runs.check_folder()
    else:
        runs.follow()
except (InputError, runs.Replaced) as error:
    raise WorkflowError(str(error))


onstart:
    try:
        runs.begin(SharedFSUsage.PERSISTENCE in workflow.storage_settings.shared_fs_usage)
    except InputError as error:
        raise WorkflowError(str(error))
