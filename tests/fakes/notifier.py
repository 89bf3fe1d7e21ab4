"""The notifier's two halves, without their unit: events in, chats out."""

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress

from voxbot.notifier.delivery import Delivery
from voxbot.notifier.events import digest
from voxbot.notifier.folding import Folder
from voxbot.notifier.gathering import FoldOptions
from voxbot.notifier.messages import Texts
from voxbot.store.notifier_events import NewEvent, add_event
from voxbot.store.notifier_limits import Limits
from voxbot.store.notifier_messages import Chat, Wish, put_wish
from voxbot.store.notifier_operations import backlog
from voxbot.store.notifier_registry import Subscriber, add_subscriber

BOT = "1000001"
NO_LIMITS = Limits(bot_per_s=10_000, chat_gap_s=0.0, group_gap_s=0.0)


@asynccontextmanager
async def running(*works):
    """Run `run()` of each until the end of the `with`."""
    tasks = [asyncio.create_task(work.run()) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def subscribe(bot_token, *chats):
    """Work for a database: chats that get the calls."""
    return lambda tx: [add_subscriber(tx, bot_token, Subscriber(tg_id=chat)) for chat in chats]


class Wishes:
    """A delivery, and a short way to say what chats should show."""

    def __init__(self, database, telegram, limits=NO_LIMITS):
        self.done = []
        self.database = database
        self.telegram = telegram
        self.delivery = Delivery(database, api_base=telegram.base_url, limits=limits, observer=self.done.append)

    async def wish(self, call_id, stage, text, *, moment=None, chats=(100001,), at=None):
        wish = Wish(stage=stage, moment=moment or stage, text=text)
        recipients = [Chat(BOT, chat) for chat in chats]
        now = time.time() if at is None else at
        await self.database.write(lambda tx: put_wish(tx, call_id, "0367", wish, recipients, now=now, event_at=now))
        self.delivery.wake()

    async def until_shown(self, *texts, chat_id=100001, timeout_s=10.0):
        await self.telegram.until(lambda: self.telegram.shown(chat_id) == list(texts), timeout_s)

    async def until_done(self, timeout_s=10.0):
        await until_delivered(self.database, timeout_s)

    def results(self, action=None):
        return [
            (done.operation.action, done.outcome.kind)
            for done in self.done
            if action is None or done.operation.action == action
        ]


class Notifier:
    """Events in, chats out."""

    def __init__(self, database, telegram, *, limits=NO_LIMITS, **options):
        self.database = database
        self.delivery = Delivery(database, api_base=telegram.base_url, limits=limits)
        self.folder = Folder(database, Texts(), FoldOptions(**options), self.delivery.wake)

    async def post(self, path, body, at, enterprise="0367"):
        """Store an event that arrived at this time (seconds since the epoch)."""
        path = path.strip("/")
        event = NewEvent(
            enterprise=enterprise,
            token=body["Token"],
            path=path,
            unique_id=body["UniqueId"],
            received_at=at,
            body=json.dumps(body),
            digest=digest(path, body),
        )
        await self.database.write(lambda tx: add_event(tx, event))
        self.folder.wake(enterprise)

    async def until_done(self, timeout_s=10.0):
        await until_delivered(self.database, timeout_s)


async def until_delivered(database, timeout_s=10.0):
    """Wait until all is folded, every chat shows what it should, and nobody is at work."""
    async with asyncio.timeout(timeout_s):
        while True:
            accepted, _ = await database.waiting()
            left = await database.read(lambda tx: backlog(tx, time.time()))
            if not accepted and not left.events and not left.messages and not left.chores and not left.leased_chats:
                return
            await asyncio.sleep(0.02)
