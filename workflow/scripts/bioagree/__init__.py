"""Plain functions on images, labels and tables for asking whether measurement methods agree.

The library knows nothing of Snakemake: the scripts beside this package connect the two.
"""
