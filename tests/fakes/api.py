"""The API in one process with its client: `async with ApiLab(tmp_path) as lab: await lab.client().get("/logs")`."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import httpx

from voxbot.admin.app import create_app
from voxbot.admin.jobs.runner import JobRunner
from voxbot.admin.live.bots import Bots
from voxbot.admin.parts import Parts
from voxbot.agent.prompts import PromptsSource
from voxbot.domain.errors import KnowledgeError
from voxbot.main.serving import Server, listen
from voxbot.observers.bus import EventBus
from voxbot.observers.call_log import CallLog
from voxbot.settings.loader import load_settings
from voxbot.settings.reloads import ReloadJournal
from voxbot.settings.snapshot import SettingsSource
from voxbot.store.call_log import CallFilter, CallLogRepository
from voxbot.store.database import open_database
from voxbot.store.jobs import JobRepository
from voxbot.text.normalizer import Normalizer

KEY = {"X-API-Key": "k"}
PROMPTS = {
    "greeting": "Здравствуйте!",
    "contextualize_q_system_prompt": "Перепиши вопрос.",
    "qa_system_prompt": "Отвечай по справке.\n{context}",
}


def at(text):
    """Seconds since the epoch of a local time."""
    return datetime.fromisoformat(text).astimezone().timestamp()


@asynccontextmanager
async def running_api(folder, **environ):
    """Run the unit as a process on the files that an ApiLab left in `folder`; gives its address."""
    environment = {
        **os.environ,
        "API_PORT": "0",
        "API_SECRET_KEY": "k",
        "DATA_DIR": str(folder / "data"),
        "DB_PATH": str(folder / "log.sqlite"),
        "PROMPTS_FILE_PATH": str(folder / "prompts.json"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        **environ,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voxbot", "--env", str(folder / ".env"), "api",
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("ready api "), line
        yield line.split()[2]
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


async def no_index():
    raise KnowledgeError("индекса нет; выполните voxbot kb build")


async def no_manifest():
    return None


async def no_chunks(_ids):
    return {}


async def no_trace(_call_id, _caller):
    return None


class ApiLab:
    """Files in `folder`, a database in it, and clients of APIs with any environment."""

    def __init__(self, folder):
        self.folder = folder
        self.env_file = folder / ".env"
        self.prompts_file = folder / "prompts.json"
        self._owned = AsyncExitStack()

    async def __aenter__(self):
        self.env_file.touch()
        self.prompts_file.write_text(json.dumps(PROMPTS, ensure_ascii=False), encoding="utf-8")
        self.database = await self._owned.enter_async_context(open_database(self.folder / "log.sqlite"))
        self.calls = CallLogRepository(self.database)
        self.bus = await self._owned.enter_async_context(EventBus([CallLog(self.calls)]))
        return self

    async def __aexit__(self, *exc):
        await self._owned.aclose()

    async def seed(self):
        """Log three calls on the first three days of March, at noon."""
        for day, text in ((1, "где завод"), (2, "сколько стоит пресс"), (3, "соедините с оператором")):
            begin = at(f"2026-03-0{day}T12:00:00")
            await self.calls.start(f"c{day}", f"+7916000000{day}", begin)
            turn = {"speaker": "user", "text": text, "timestamp": f"2026-03-0{day}T12:00:05.000", "raw": text}
            await self.calls.append_turn(f"c{day}", turn)
        await self.calls.finish("c1", "Completed", at("2026-03-01T12:01:00"))
        await self.calls.finish("c2", "Transferred", at("2026-03-02T12:01:00"))

    def parts(self, *, retriever=no_index, chunks=no_chunks, knowledge=None, answerer=None, **environ):
        """`knowledge`: a fakes.api_knowledge.ApiKnowledge, whose jobs then run; `answerer`: what chats and replays."""
        environ = {
            "API_SECRET_KEY": "k",
            "DATA_DIR": str(self.folder / "data"),
            "DB_PATH": str(self.folder / "log.sqlite"),
            "PROMPTS_FILE_PATH": str(self.prompts_file),
            **environ,
        }
        source = SettingsSource(lambda: load_settings(self.env_file, environ), self.env_file, environ)
        jobs = JobRepository(self.database)
        normalize = Normalizer().normalize
        runner = JobRunner(
            jobs, knowledge.work(source, normalize).handlers() if knowledge else {}, idle_s=0.05, retry_s=0.05
        )
        if knowledge:
            self.doing(runner.run())
        bots = Bots(source.current)
        self._owned.push_async_callback(bots.close)

        async def opened():
            return answerer or await (knowledge.answerer if knowledge else no_index)()

        return Parts(
            source=source,
            started=source.current,
            started_at=time.time(),
            database=self.database,
            calls=self.calls,
            prompts=PromptsSource(self.prompts_file),
            reloads=ReloadJournal(),
            normalize=normalize,
            manifest=no_manifest,
            chunks=chunks,
            retriever=knowledge.retriever if knowledge else retriever,
            answerer=opened,
            agent_over=knowledge.agent_over if knowledge else None,
            jobs=jobs,
            runner=runner,
            bots=bots,
            publish=self.bus.publish,
            trace_link=no_trace,
        )

    def doing(self, coroutine):
        """Run something beside the test until the lab closes."""
        task = asyncio.create_task(coroutine)

        async def end():
            task.cancel()
            await asyncio.wait({task})

        self._owned.push_async_callback(end)
        return task

    @asynccontextmanager
    async def running(self, parts):
        """The API as a real server on a port of its own; gives its `host:port`."""
        listening = listen("API", parts.api.host, 0)
        server = Server(create_app(parts), "api", listening, stopping=parts.stopping)
        serving = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            listening.close()

    async def logged(self, condition, timeout_s=5):
        """Wait until the call log, newest first, fulfils a condition; return it."""
        async with asyncio.timeout(timeout_s):
            while not condition(rows := await self.calls.list_calls(CallFilter(), 100)):
                await asyncio.sleep(0.02)
        return rows

    def client(self, parts=None, **environ):
        """Open a client that is closed with the lab."""
        return self.serve(create_app(parts or self.parts(**environ)))

    def serve(self, app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9000")
        self._owned.push_async_callback(client.aclose)
        return client

    def with_parts(self, **changes):
        return self.client(dataclasses.replace(self.parts(), **changes))
