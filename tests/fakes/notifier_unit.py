"""The unit `notifier` as a process of its own, which a test may kill."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp


class NotifierUnit:
    """Its files lie in `folder`; more variables in `environ`."""

    def __init__(self, folder, telegram, **environ):
        self.folder = Path(folder)
        self.url = ""
        self._environ = {
            **os.environ,
            "DATA_DIR": str(self.folder / "data"),
            "TELEGRAM_API_BASE": telegram.base_url,
            "NOTIFIER_PORT": "0",
            "LOG_LEVEL": "WARNING",
            **environ,
        }
        self._process = None

    @property
    def database_path(self):
        return self.folder / "data" / "db" / "notifier.sqlite"

    async def start(self):
        """Start it, and wait until it takes events and shows them."""
        command = (sys.executable, "-m", "voxbot", "notifier")
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self._environ, stdout=asyncio.subprocess.PIPE, stderr=None
        )
        while line := (await self._process.stdout.readline()).decode():
            if line.startswith("ready notifier "):
                self.url = line.split()[2]
                return await until_delivering(self.url)
        raise AssertionError(f"notifier did not start: {await self._process.wait()}")

    async def kill(self, how=signal.SIGKILL):
        if self._process and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()


async def until_delivering(url):
    """Wait until the unit at `url` sends what it takes: until then, messages that are outdated are never sent."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}/health") as response:
                if (await response.json())["delivery"] == "ok":
                    return
            await asyncio.sleep(0.05)


class HostQueue:
    """A host's one queue of events, which repeats each until it is taken."""

    def __init__(self, posts):
        self._posts = posts
        self.taken = 0

    async def run(self, address, gap_s=0.0):
        """Post everything; `address()` is where the notifier is now."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            for path, body in self._posts:
                while not await self._post(session, address(), path, body):
                    await asyncio.sleep(0.05)
                self.taken += 1
                await asyncio.sleep(gap_s)

    @staticmethod
    async def _post(session, base_url, path, body):
        try:
            async with session.post(f"{base_url}{path}", json=body) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
