"""A real Asterisk on ports of its own, the scripted caller, and the bot: in this process or as the real unit."""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from voxbot.call.dispatcher import Dispatcher
from voxbot.settings.loader import load_settings
from voxbot.telephony.ari import AriClient

LAB_DIR = Path(__file__).parents[1] / "asterisk_lab"
AUDIO = LAB_DIR / "audio"
ASTERISK_ROOT = Path(os.environ.get("ASTERISK_ROOT", "/opt/asterisk-lab"))
REPO = Path(__file__).parents[2]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def _load_caller():
    spec = importlib.util.spec_from_file_location("lab_caller", LAB_DIR / "caller.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["lab_caller"] = module
    spec.loader.exec_module(module)
    return module


caller_module = _load_caller()


@dataclass(frozen=True)
class Lab:
    """A running Asterisk."""

    environ: dict[str, str]
    sip_port: int
    http_port: int

    @property
    def ari_environ(self):
        return {
            "ARI_HTTP_URL": f"http://127.0.0.1:{self.http_port}",
            "ARI_USER": "asterisk",
            "ARI_PASSWORD": "asterisk123",
            "ARI_APP_NAME": "asterisk-bot",
        }

    async def call(self, *scripts, to="100", count=1, stagger_ms=0, out=None):
        """Make calls by scripts (lists of steps; wav names are of the lab's audio folder or absolute)."""
        options = caller_module.Options(to=to, port=self.sip_port)
        calls = [caller_module.Call(options, scripts[i % len(scripts)], AUDIO) for i in range(count)]

        async def delayed(i):
            await asyncio.sleep(i * stagger_ms / 1000)
            await calls[i].run()

        await asyncio.gather(*(delayed(i) for i in range(count)))
        return [call.report(out if count == 1 else None) for call in calls]

    async def leftovers(self):
        """Channels and bridges that Asterisk still holds, once hangups have gone through."""
        login = {"Authorization": aiohttp.encode_basic_auth("asterisk", "asterisk123")}
        async with aiohttp.ClientSession(headers=login) as http:
            for _ in range(50):
                found = []
                for kind in ("channels", "bridges"):
                    async with http.get(f"http://127.0.0.1:{self.http_port}/ari/{kind}") as answer:
                        found += [f"{kind} {item['id']}" for item in await answer.json()]
                if not found:
                    return []
                await asyncio.sleep(0.1)
        return found


@pytest.fixture(scope="session")
def lab():
    """The lab's Asterisk under a name and on ports that no other lab uses."""
    if os.geteuid() != 0:
        pytest.skip("END-TO-END TESTS LEFT OUT: the Asterisk lab needs root")
    if not (ASTERISK_ROOT / "usr/sbin/asterisk").exists():
        pytest.fail("no Asterisk lab: run scripts/test_setup.sh (make test does)")
    ports = {"SIP_PORT": 26060, "HTTP_PORT": 28188, "RTP_START": 31000, "RTP_END": 31999}
    environ = {**os.environ, "LAB_NAME": "voxbot-tests", **{name: str(port) for name, port in ports.items()}}
    subprocess.run([LAB_DIR / "stop.sh"], env=environ, check=True, capture_output=True)
    started = subprocess.run([LAB_DIR / "start.sh"], env=environ, capture_output=True, text=True)
    assert started.returncode == 0, started.stderr
    yield Lab(environ, ports["SIP_PORT"], ports["HTTP_PORT"])
    subprocess.run([LAB_DIR / "stop.sh"], env=environ, check=True, capture_output=True)


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
            async with asyncio.timeout(10):
                await ready.wait()
            try:
                yield dispatcher
            finally:
                running.cancel()
                await asyncio.wait({running})

    return start


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """A working directory as an operator has it: knowledge bases, prompts, local models, an index."""
    folder = tmp_path_factory.mktemp("workspace")
    for name in ("kb", "config"):
        shutil.copytree(REPO / name, folder / name)
    return folder


@dataclass
class Unit:
    """A `voxbot` process and what it said."""

    process: asyncio.subprocess.Process
    log: Path

    @property
    def descriptors(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def ready(self, timeout_s=90):
        async with asyncio.timeout(timeout_s):
            while line := await self.process.stdout.readline():
                if line.startswith(b"ready "):
                    return line.decode().strip()
        pytest.fail(f"the unit ended: {self.log.read_text()[-3000:]}")

    async def stop(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self.process.wait()


@pytest.fixture
def start_unit(lab, workspace):
    """Make a context manager that runs a real unit against the lab."""

    @asynccontextmanager
    async def start(*arguments, **environ):
        log = workspace / f"{arguments[0]}.log"
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "voxbot", *arguments,
                cwd=workspace, env={**os.environ, **lab.ari_environ, **environ},
                stdout=asyncio.subprocess.PIPE, stderr=stderr,
            )  # fmt: skip
        unit = Unit(process, log)
        try:
            await unit.ready()
            yield unit
        finally:
            status = await unit.stop()
            assert status == 0, log.read_text()[-3000:]

    return start
