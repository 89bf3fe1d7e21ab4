"""The notifier's second process: folds accepted events, talks to Telegram, forgets what is old."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from voxbot.main.lifecycle import until_stopped
from voxbot.main.notifier_link import listen_to_parent, open_counter
from voxbot.main.notifier_parts import call_rules, message_links
from voxbot.notifier.delivery import Delivery
from voxbot.notifier.folding import Folder
from voxbot.notifier.gathering import FoldOptions
from voxbot.notifier.messages import Texts
from voxbot.notifier.observer import DeliveryObserver
from voxbot.notifier.phones import Masking
from voxbot.notifier.retention import forget_old_calls
from voxbot.notifier.subscribers import PollOptions, Subscribers
from voxbot.notifier.trace_log import TraceLog
from voxbot.store.notifier_database import open_notifier_database

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings
    from voxbot.store.notifier_database import NotifierDatabase

_NICE = 10
"""Behind the process that answers hosts: they wait 3 s at most, chats do not mind."""


async def run(settings: Settings, own_url: str) -> None:
    """Work until SIGTERM, SIGINT, or the end of the process that started this one. Raises StoreError."""
    os.nice(_NICE)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # never in the way of a process that wakes up
    async with open_notifier_database(settings.notifier_database) as database:
        await until_stopped(_work(settings, database, own_url))


async def _work(settings: Settings, database: NotifierDatabase, own_url: str) -> None:
    notifier = settings.notifier
    trace = TraceLog(settings.paths.trace_dir, notifier.trace_days)
    api_base = str(notifier.telegram_base)
    counter = await open_counter()
    observer = DeliveryObserver(trace, counter)
    delivery = Delivery(database, api_base=api_base, observer=observer)
    options = FoldOptions(
        rules=call_rules(settings),
        superuser_id=notifier.superuser_chat,
        masking=Masking(notifier.mask_numbers),
        details_url=message_links(settings, own_url),
    )
    folder = Folder(database, Texts(notifier.templates_dir), options, delivery.wake)
    subscribers = Subscribers(database, PollOptions(api_base=api_base))
    trace.start()
    try:
        async with asyncio.TaskGroup() as parts:
            works = [
                parts.create_task(work)
                for work in (
                    folder.run(),
                    delivery.run(),
                    subscribers.run(),
                    forget_old_calls(database, notifier.trace_days),
                )
            ]
            counter.ready()
            await listen_to_parent(folder.collect)
            for work in works:
                work.cancel()
    finally:
        await asyncio.to_thread(trace.stop)
