"""The package that tests of its descriptions share."""

import example
import pytest


@pytest.fixture(scope="session")
def package():
    """A package of two datasets under different licences; only to be read."""
    return example.package()
