"""The API in one process with its client: `async with ApiLab(tmp_path) as lab: await lab.client().get("/logs")`."""

from __future__ import annotations

import dataclasses
import json
import time
from contextlib import AsyncExitStack

import httpx

from voxbot.admin.app import create_app
from voxbot.admin.parts import Parts
from voxbot.agent.prompts import PromptsSource
from voxbot.domain.errors import KnowledgeError
from voxbot.settings.loader import load_settings
from voxbot.settings.reloads import ReloadJournal
from voxbot.settings.snapshot import SettingsSource
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database
from voxbot.text.normalizer import Normalizer

KEY = {"X-API-Key": "k"}
PROMPTS = {
    "greeting": "Здравствуйте!",
    "contextualize_q_system_prompt": "Перепиши вопрос.",
    "qa_system_prompt": "Отвечай по справке.\n{context}",
}


async def no_index():
    raise KnowledgeError("индекса нет; выполните voxbot kb build")


async def no_manifest():
    return None


async def no_chunks(_ids):
    return {}


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
        return self

    async def __aexit__(self, *exc):
        await self._owned.aclose()

    def parts(self, *, retriever=no_index, chunks=no_chunks, **environ):
        environ = {
            "API_SECRET_KEY": "k",
            "DATA_DIR": str(self.folder / "data"),
            "DB_PATH": str(self.folder / "log.sqlite"),
            "PROMPTS_FILE_PATH": str(self.prompts_file),
            **environ,
        }
        source = SettingsSource(lambda: load_settings(self.env_file, environ), self.env_file, environ)
        return Parts(
            source=source,
            started=source.current,
            started_at=time.time(),
            database=self.database,
            calls=self.calls,
            prompts=PromptsSource(self.prompts_file),
            reloads=ReloadJournal(),
            normalize=Normalizer().normalize,
            manifest=no_manifest,
            chunks=chunks,
            retriever=retriever,
        )

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
