"""Calls folded event by event in a database of their own, by a clock of their own."""

import json
from contextlib import contextmanager

from sqlalchemy import create_engine, func, select, update

from fakes.call_events import BEGAN_AT
from voxbot.notifier.events import digest
from voxbot.notifier.gathering import FoldOptions, Gathering
from voxbot.notifier.messages import Texts
from voxbot.store.notifier_calls import due_calls
from voxbot.store.notifier_events import NewEvent, add_event
from voxbot.store.notifier_facts import put_fact
from voxbot.store.notifier_models import CallRow, EventRow, MessageRow, NotifierBase
from voxbot.store.notifier_registry import Enterprise, Subscriber, add_subscriber, put_enterprise

_BOT_TOKEN = "1000001:AAAAAAAAAAAAAAAAAAAAAAAAA"
_NUMBER = "0367"


class Gathered:
    """Posts go in as `Host.posts` has them; `texts` is what a chat should show now. Times are seconds from BEGAN_AT."""

    def __init__(self, connection, **options):
        self.connection = connection
        self._gathering = Gathering(Texts(), FoldOptions(**options))
        self._now_s = 0.0
        with connection.begin():
            enterprise = Enterprise(number=_NUMBER, token="375290000001", bot_token=_BOT_TOKEN, name="Ромашка")
            put_enterprise(connection, enterprise)
            add_subscriber(connection, _BOT_TOKEN, Subscriber(tg_id=100001))

    def post(self, at_s, path, body):
        path = path.strip("/")
        self.wait_until(at_s)
        at = BEGAN_AT + at_s
        event = NewEvent(
            enterprise=_NUMBER,
            token=body["Token"],
            path=path,
            unique_id=str(body["UniqueId"]),
            received_at=at,
            body=json.dumps(body),
            digest=digest(path, body),
        )
        with self.connection.begin():
            add_event(self.connection, event)
            self._gathering.fold(self.connection, _NUMBER, 5, at)

    def post_all(self, posts):
        for post in sorted(posts, key=lambda post: post[0]):
            self.post(*post)

    def wait_until(self, now_s):
        """Look at calls as time makes them due."""
        while True:
            with self.connection.begin():
                due = due_calls(self.connection, BEGAN_AT + now_s, 1)
                for enterprise, call_id in due:
                    due_at = self.connection.scalar(select(CallRow.due_at).where(CallRow.id == call_id))
                    now = max(due_at, BEGAN_AT + self._now_s)
                    self._gathering.look_again(self.connection, enterprise, [call_id], now)
            if not due:
                break
        self._now_s = max(self._now_s, now_s)

    def spoil(self, path):
        """Start anew, with stored events of one kind that can't be read any more."""
        with self.connection.begin():
            self.connection.execute(update(EventRow).where(EventRow.path == path).values(body='{"UniqueId": 0.5}'))
        self._gathering = Gathering(Texts(), FoldOptions())

    def learn(self, at_s, kind, key, value):
        """Take a fact; return how many calls it makes due."""
        with self.connection.begin():
            put_fact(self.connection, _NUMBER, kind, key, value, BEGAN_AT + at_s)
            due = select(func.count()).where(CallRow.due_at == BEGAN_AT + at_s)
            return self.connection.scalar(due)

    @property
    def texts(self):
        with self.connection.begin():
            query = select(MessageRow.wish_text).where(MessageRow.wish_text.is_not(None)).order_by(MessageRow.call_id)
            return list(self.connection.scalars(query))


@contextmanager
def gathered(**options):
    engine = create_engine("sqlite://")
    try:
        NotifierBase.metadata.create_all(engine)
        with engine.connect() as connection:
            yield Gathered(connection, **options)
    finally:
        engine.dispose()
