"""The exchange, and the bot on it: in this process with scripted engines, or as the real unit."""

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from phone import ASTERISK_ROOT, make_workspace, running_lab

from voxbot.call.dispatcher import Dispatcher
from voxbot.settings.loader import load_settings
from voxbot.telephony.ari import AriClient


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def lab():
    if os.geteuid() != 0:
        pytest.skip("END-TO-END TESTS LEFT OUT: the Asterisk lab needs root")
    if not (ASTERISK_ROOT / "usr/sbin/asterisk").exists():
        pytest.fail("no Asterisk lab: run scripts/test_setup.sh (make test does)")
    # Two runs at once need a name and ports each.
    with running_lab(os.environ.get("LAB_NAME", "voxbot-tests"), int(os.environ.get("LAB_FIRST_PORT", "26060"))) as lab:
        yield lab


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def bot_in_process(lab):
    """Make a context manager that runs the dispatcher here, on given services."""

    @asynccontextmanager
    async def start(services):
        settings = load_settings(environ=lab.ari_environ)
        ready = asyncio.Event()
        async with AriClient(settings.ari) as ari:
            dispatcher = Dispatcher(ari, services, on_ready=ready.set)
            running = asyncio.create_task(dispatcher.run())
            async with asyncio.timeout(30):
                await ready.wait()
            try:
                yield dispatcher
            finally:
                running.cancel()
                await asyncio.wait({running})

    return start
