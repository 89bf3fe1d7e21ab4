"""A telephone exchange for tests and benches: a real Asterisk, scripted callers, and `voxbot` as a process."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

REPO = Path(__file__).parents[1]
LAB_DIR = REPO / "tests" / "asterisk_lab"
AUDIO = LAB_DIR / "audio"
ASTERISK_ROOT = Path(os.environ.get("ASTERISK_ROOT", "/opt/asterisk-lab"))


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

    sip_port: int
    http_port: int

    @property
    def ari_environ(self) -> dict[str, str]:
        """Variables that make a bot use this Asterisk."""
        return {
            "ARI_HTTP_URL": f"http://127.0.0.1:{self.http_port}",
            "ARI_USER": "asterisk",
            "ARI_PASSWORD": "asterisk123",
            "ARI_APP_NAME": "asterisk-bot",
        }

    async def call(self, *scripts, to="100", count=1, stagger_ms=0, out=None):
        """Make calls by scripts (lists of steps; WAV names are of the lab's audio folder, or absolute)."""
        options = caller_module.Options(to=to, port=self.sip_port)
        calls = [caller_module.Call(options, scripts[i % len(scripts)], AUDIO) for i in range(count)]

        async def delayed(i: int) -> None:
            await asyncio.sleep(i * stagger_ms / 1000)
            await calls[i].run()

        await asyncio.gather(*(delayed(i) for i in range(count)))
        return [call.report(out if count == 1 else None) for call in calls]

    async def leftovers(self, within_s: float = 5.0) -> list[str]:
        """Channels and bridges that Asterisk still holds, once hangups have gone through."""
        login = {"Authorization": aiohttp.encode_basic_auth("asterisk", "asterisk123")}
        found: list[str] = []
        async with aiohttp.ClientSession(headers=login) as http:
            for _ in range(round(within_s / 0.1)):
                found = []
                for kind in ("channels", "bridges"):
                    async with http.get(f"http://127.0.0.1:{self.http_port}/ari/{kind}") as answer:
                        found += [f"{kind} {item['id']}" for item in await answer.json()]
                if not found:
                    break
                await asyncio.sleep(0.1)
        return found


@contextmanager
def running_lab(name: str, first_port: int):
    """The lab's Asterisk under a name and on ports that no other lab uses."""
    ports = {
        "SIP_PORT": first_port,
        "HTTP_PORT": first_port + 1,
        "RTP_START": first_port + 1000,
        "RTP_END": first_port + 1999,
    }
    environ = {**os.environ, "LAB_NAME": name, **{key: str(port) for key, port in ports.items()}}
    subprocess.run([LAB_DIR / "stop.sh"], env=environ, check=True, capture_output=True)
    started = subprocess.run([LAB_DIR / "start.sh"], env=environ, capture_output=True, text=True, check=False)
    if started.returncode:
        raise RuntimeError(started.stderr)
    try:
        yield Lab(ports["SIP_PORT"], ports["HTTP_PORT"])
    finally:
        subprocess.run([LAB_DIR / "stop.sh"], env=environ, check=True, capture_output=True)


def make_workspace(folder: Path) -> Path:
    """A working directory as an operator has it: knowledge bases and prompts."""
    for name in ("kb", "config"):
        shutil.copytree(REPO / name, folder / name)
    return folder


@dataclass
class Unit:
    """A `voxbot` process and what it says."""

    process: asyncio.subprocess.Process
    log: Path
    said: list[str] = field(default_factory=list)

    @property
    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def ready(self, timeout_s: float = 120) -> str:
        """Wait for the ready line."""
        assert self.process.stdout
        async with asyncio.timeout(timeout_s):
            while line := (await self.process.stdout.readline()).decode().strip():
                self.said.append(line)
                if line.startswith("ready "):
                    return line
        raise RuntimeError(f"the unit ended: {self.log.read_text()[-3000:]}")

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def running_unit(workspace: Path, *arguments: str, **environ: str):
    """A real `voxbot` unit; it must end with status 0 when it is told to stop."""
    log = workspace / f"{arguments[0]}.log"
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "voxbot", *arguments,
            cwd=workspace, env={**os.environ, "BOT_HTTP_PORT": "0", **environ},
            stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
    unit = Unit(process, log)
    try:
        await unit.ready()
        yield unit
    finally:
        status = await unit.stop()
    if status:
        raise RuntimeError(f"status {status}: {log.read_text()[-3000:]}")
