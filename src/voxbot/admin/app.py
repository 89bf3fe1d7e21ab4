"""The API's application: `create_app` puts the features together."""

from __future__ import annotations

from fastapi import FastAPI

from voxbot import __version__
from voxbot.admin import docs, health, normalize, openapi, problems, static
from voxbot.admin.analytics import endpoints as analytics
from voxbot.admin.body_limit import BodyLimit
from voxbot.admin.calls import endpoints as calls
from voxbot.admin.chat import endpoints as chat
from voxbot.admin.hosts import HostGuard
from voxbot.admin.jobs import endpoints as jobs
from voxbot.admin.key_first import KeyFirst
from voxbot.admin.knowledge import endpoints as knowledge
from voxbot.admin.live import endpoints as live
from voxbot.admin.notifier import endpoints as notifier
from voxbot.admin.parts import Parts
from voxbot.admin.prompts import endpoints as prompts
from voxbot.admin.replay import endpoints as replay
from voxbot.admin.settings import endpoints as settings
from voxbot.admin.system import endpoints as system
from voxbot.admin.talk import endpoints as talk

_FEATURES = (
    health, calls, replay, analytics, prompts, settings, knowledge, jobs, live, talk, chat, system, normalize, static,
    notifier, docs,
)  # fmt: skip
"""Each has a `router`."""


def create_app(parts: Parts) -> FastAPI:
    """Make the application. It owns none of the parts: who opened one closes it."""
    app = FastAPI(
        title="VoxBot", version=__version__, summary="Журнал звонков и управление голосовым ботом", openapi_url=None
    )
    app.state.parts = parts
    problems.install(app)
    openapi.install(app)
    for feature in _FEATURES:
        app.include_router(feature.router)
    app.add_middleware(KeyFirst, parts=parts, routers=[feature.router for feature in _FEATURES])
    app.add_middleware(BodyLimit, upload_mb=lambda: parts.settings.knowledge.upload_mb)
    app.add_middleware(HostGuard, api=parts.api)
    return app
