"""A database in a temporary folder."""

from __future__ import annotations

import pytest

from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database


@pytest.fixture
async def database(tmp_path):
    async with open_database(tmp_path / "db" / "log_db.sqlite") as opened:
        yield opened


@pytest.fixture
def calls(database):
    return CallLogRepository(database)
