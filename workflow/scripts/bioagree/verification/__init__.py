"""Whether a run gave the results of another one that was recorded."""
