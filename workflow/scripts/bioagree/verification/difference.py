"""In what two products differ, said so that somebody can look for the cause."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """What a comparison of contents found.

    Parameters
    ----------
    sentence : str
        By how much they differ, and where; empty when they do not.
    same : bool
        Contents are equal, although bytes are not.
    within : bool
        The difference is within the tolerance that is stated for this kind of content.
    """

    sentence: str
    same: bool = False
    within: bool = False
