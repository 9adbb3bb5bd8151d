include: "workflow/Snakefile"


rule default:
    """What `snakemake` makes when no target is given."""
    default_target: True
    input:
        rules.all.input,
