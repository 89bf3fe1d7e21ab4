"""The API's application: `create_app` puts the features together."""

from __future__ import annotations

from fastapi import FastAPI

from voxbot import __version__
from voxbot.admin import health, problems
from voxbot.admin.calls import endpoints as calls
from voxbot.admin.notifier import endpoints as notifier
from voxbot.admin.notifier.service import Roster
from voxbot.settings.schema import Settings
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import Database


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Make the application. It owns neither argument: who opened the database closes it."""
    app = FastAPI(title="VoxBot", version=__version__, summary="Журнал звонков и управление голосовым ботом")
    app.state.settings = settings
    app.state.database = database
    app.state.calls = CallLogRepository(database)
    app.state.roster = Roster(settings.notifier_database)
    problems.install(app)
    app.include_router(health.router)
    app.include_router(calls.router)
    app.include_router(notifier.router)
    return app
