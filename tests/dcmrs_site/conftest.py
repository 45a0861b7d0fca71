"""What the tests of the whole site stand on."""

import pytest

from dcmrs_site import stalls


@pytest.fixture(autouse=True)
def _nothing_stands_still_since_earlier_tests() -> None:
    stalls.latest.forget()
