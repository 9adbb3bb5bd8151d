"""The run that the tests of the whole workflow share."""

from collections import namedtuple

import pytest

TinyRun = namedtuple("TinyRun", "study outcome")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, make):
    """A plate and a stack, four methods, run to the report from a copy of the repository."""
    place = tmp_path_factory.mktemp("tiny")
    study = make.tiny(place / "study", make.tree(place / "repository")).write()
    return TinyRun(study, study.run())
