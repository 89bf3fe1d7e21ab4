"""A notifier's database with one enterprise, and the samples of real calls."""

from __future__ import annotations

import pytest
from fakes.notifier import Wishes
from fakes.telegram_server import telegram_server

from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_registry import Enterprise, put_enterprise

ENTERPRISE = Enterprise(
    number="0367", token="375290000001", bot_token="1000001:AAAAAAAAAAAAAAAAAAAAAAAAA", name="Ромашка"
)


@pytest.fixture
async def database(tmp_path):
    async with open_notifier_database(tmp_path / "db" / "notifier.sqlite") as opened:
        await opened.write(lambda connection: put_enterprise(connection, ENTERPRISE))
        yield opened


@pytest.fixture
async def telegram():
    async with telegram_server() as server:
        yield server


@pytest.fixture
def wishes(database, telegram):
    return Wishes(database, telegram)
