"""The unit `api` as a process: ready when it says so, gone when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import socket
import sys

import httpx
import pytest
from structlog.testing import capture_logs

from voxbot.domain.errors import ConfigError, PortBusyError, StoreError
from voxbot.main import admin
from voxbot.settings.loader import load_settings
from voxbot.settings.snapshot import SettingsSource

pytestmark = pytest.mark.enable_socket

PROGRAM = """
import asyncio
from voxbot.main import admin
from voxbot.main.logs import configure_logging
from voxbot.settings.loader import load_settings
from voxbot.settings.snapshot import SettingsSource
configure_logging(load_settings(), "fastapi")
try:
    asyncio.run(admin.run(SettingsSource(load_settings)))
finally:
    print("stopped", flush=True)
"""


@pytest.fixture
def settings(tmp_path):
    env_file = tmp_path / ".env"
    env_file.touch()

    def make(**environ):
        environ = {"DATA_DIR": str(tmp_path / "data"), "API_PORT": "0", **environ}
        return SettingsSource(lambda: load_settings(env_file, environ), env_file)

    return make


async def test_it_answers_once_it_is_ready_and_stops_on_sigterm(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        cwd=tmp_path,
        env={**os.environ, "API_PORT": "0", "DATA_DIR": "data"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        ready = (await process.stdout.readline()).decode()
        address = re.fullmatch(r"ready api (http://127\.0\.0\.1:[1-9]\d*)\n", ready)
        assert address, ready
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{address[1]}/logs")
        assert answer.json() == []
        process.send_signal(signal.SIGTERM)
        rest, _ = await process.communicate()
        assert rest.decode() == "stopped\n"
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_busy_port_is_named(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"API_PORT={port}: порт занят другой программой"):
            await admin.run(settings(API_PORT=str(port)))


@pytest.mark.parametrize(
    ("host", "trouble"),
    [("192.0.2.1", "не удалось открыть порт"), ("no such host", "узел не найден"), ("a..b", "узел не найден")],
)
async def test_an_address_of_another_machine_is_named(settings, host, trouble):
    with pytest.raises(ConfigError, match=f"API_HOST={host} API_PORT=0: {trouble}"):
        await admin.run(settings(API_HOST=host))


async def test_a_broken_database_frees_the_port(settings, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "log.sqlite").write_text("not a database at all " * 100)
    with pytest.raises(StoreError):
        await admin.run(settings(API_PORT=str(port), DB_PATH=str(tmp_path / "log.sqlite")))
    with socket.create_server(("127.0.0.1", port)):
        pass


class Announcement(io.StringIO):
    """A stdout that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.made = asyncio.Event()

    def write(self, text: str) -> int:
        self.made.set()
        return super().write(text)


async def test_cancellation_stops_it_and_frees_the_port(settings):
    with contextlib.redirect_stdout(Announcement()) as stdout, capture_logs():
        serving = asyncio.create_task(admin.run(settings()))
        await stdout.made.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    port = int(stdout.getvalue().rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        pass
