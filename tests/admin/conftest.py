"""An API with its files in a temporary folder."""

from __future__ import annotations

import pytest
from fakes.api import ApiLab


@pytest.fixture
async def lab(tmp_path):
    async with ApiLab(tmp_path) as opened:
        yield opened


@pytest.fixture
def serve(lab):
    """Open a client of an API with the given settings."""
    return lab.client
