"""The panel for a browser: real processes of the units on small knowledge bases and a log full of calls.

home = PanelHome(folder); home.make(); with home.api() as address: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from types import SimpleNamespace

from fakes import panel_calls
from fakes.api_knowledge import GENERAL, TECH
from fakes.notifier import Notifier, running
from voxbot.knowledge.documents import read_document
from voxbot.notifier.details_links import load_key
from voxbot.observers.call_log import CallLog
from voxbot.store.call_log import CallFilter, CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.notifier_database import open_notifier_database
from voxbot.store.notifier_registry import Enterprise, put_enterprise

KEY = "panel-key"
HOSTILE_CALL = "1772362800.666"
PROMPTS_JSON = """{
  "greeting": "Здравствуйте! | Чем могу помочь?",
  "contextualize_q_system_prompt": "Перепиши вопрос так, чтобы он был понятен без разговора.",
  "qa_system_prompt": "Отвечай только по справке.\\n\\n{context}"
}
"""


class PanelHome:
    """A folder with everything that the units need."""

    def __init__(self, folder, *, general=GENERAL, tech=TECH, prompts=PROMPTS_JSON):
        self.folder = folder
        self.general, self.tech = folder / "general.md", folder / "tech.md"
        self.general.write_text(general, encoding="utf-8")
        self.tech.write_text(tech, encoding="utf-8")
        self.prompts = folder / "prompts.json"
        self.prompts.write_text(prompts, encoding="utf-8")
        self.env_file = folder / ".env"
        self.env_file.write_text("# Настройки стенда\nKB_TOP_K=3  # фрагментов\n", encoding="utf-8")
        self.environ = {
            "API_PORT": "0",
            "API_SECRET_KEY": KEY,
            "BOT_HTTP_PORT": "1",
            "DATA_DIR": str(folder / "data"),
            "KNOWLEDGE_BASE_PATH": str(self.general),
            "KNOWLEDGE_BASE2_PATH": str(self.tech),
            "LLM_PROVIDER": "extractive",
            "LOG_DIR": str(folder / "logs"),
            "PROMPTS_FILE_PATH": str(self.prompts),
            "PROMPTS_RELOAD_INTERVAL_SEC": "0.5",
        }

    def make(self, calls=60, *, hostile=True):
        """Build the index and fill the log; `hostile`: with a call in which everybody speaks HTML."""
        self.voxbot("kb", "build")
        asyncio.run(self.fill(calls, hostile=hostile))

    def voxbot(self, *arguments):
        """Run a command to its end."""
        subprocess.run(self._command(arguments), cwd=self.folder, env=self._env(), check=True, capture_output=True)

    @contextlib.contextmanager
    def unit(self, name, ready, **environ):
        """Run a unit until the end of the `with`; gives the line of its output that says `ready`."""
        with (self.folder / f"{name}.log").open("w+") as log:
            process = subprocess.Popen(
                self._command([name]), cwd=self.folder, env=self._env(environ), stdout=log, stderr=subprocess.STDOUT
            )
            try:
                yield _wait_for(self.folder / f"{name}.log", ready, process)
            finally:
                process.terminate()
                process.wait(20)

    @contextlib.contextmanager
    def api(self, **environ):
        """Run the API; gives its address."""
        with self.unit("api", "ready api ", **environ) as line:
            yield line.split("ready api ")[1].strip()

    @contextlib.contextmanager
    def bot(self, **environ):
        """Run the bot without Asterisk; gives the address that the API finds it at."""
        with self.unit("bot", "Панель видит живые звонки", BOT_HTTP_PORT="0", **environ) as line:
            yield line.split("address=")[1].split()[0]

    async def fill(self, count, *, hostile=True):
        """Log so many calls, the newest with a recording."""
        chunks = [chunk for kb, path in (("general", self.general), ("tech", self.tech)) for chunk in _chunks(kb, path)]
        now = time.time()
        async with open_database(self.folder / "data" / "db" / "log_db.sqlite") as database:
            repository = CallLogRepository(database)
            ids = await panel_calls.fill(repository, now, chunks=chunks, count=count)
            if hostile:
                for event in panel_calls.hostile(HOSTILE_CALL, now - 300):
                    await CallLog(repository).observe(event)
        self.recorded = ids[-1]
        panel_calls.record(self.folder / "data" / "recordings", ids[-1], float(ids[-1].split(".")[0]))

    async def notify(self):
        """Let a notifier know the recorded call; gives the ids of that one and of one that it does not know."""
        database_file = self.folder / "data" / "db" / "notifier.sqlite"
        async with open_database(self.folder / "data" / "db" / "log_db.sqlite") as database:
            calls = await CallLogRepository(database).list_calls(CallFilter(), 500)
        known = next(call for call in calls if call.id == self.recorded)
        enterprise = Enterprise(number="0367", token="375290000001", name="Ромашка")
        start = {"Token": enterprise.token, "UniqueId": known.id, "Phone": known.caller_id, "CallType": 0, "Trunk": ""}
        async with open_notifier_database(database_file) as database:
            await database.write(lambda tx: put_enterprise(tx, enterprise))
            notifier = Notifier(database, SimpleNamespace(base_url="http://127.0.0.1:1"))
            await notifier.post("start", start, float(known.id.split(".")[0]))
            async with running(notifier.folder):
                await notifier.until_done()
        load_key(self.folder / "data" / "notifier.key")
        return known.id, next(call.id for call in calls if call.id not in (known.id, HOSTILE_CALL))

    def _command(self, arguments):
        return [sys.executable, "-m", "voxbot", "--env", str(self.env_file), *arguments]

    def _env(self, environ=()):
        own = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {
            **own,
            **self.environ,
            **dict(environ),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONUNBUFFERED": "1",
        }


def _chunks(kb, path):
    return read_document(kb, path).chunks


def _wait_for(path, words, process, timeout_s=60):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and process.poll() is None:
        for line in path.read_text(encoding="utf-8").splitlines():
            if words in line:
                return line
        time.sleep(0.05)
    raise AssertionError(f"{words!r} never came:\n{path.read_text(encoding='utf-8')}")
