"""An Asterisk without a network: requests are recorded and answered from a table, events are sent by the test."""

import asyncio
from contextlib import contextmanager

from voxbot.telephony.events import Channel


class FakeAri:
    """Stands in for AriClient. `answers` maps (method, path) to a value, an exception, or a function of the query."""

    app = "asterisk-bot"

    def __init__(self):
        self.answers = {}
        self.requests = []
        self.listeners = {}

    @property
    def listened_channels(self):
        return frozenset(self.listeners)

    @property
    def sent(self):
        """What was asked for, as `METHOD path`."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]

    def query(self, method, path):
        """The query of the last such request."""
        return next(query for *asked, query, _ in reversed(self.requests) if asked == [method, path])

    async def request(self, method, path, body=None, /, **query):
        self.requests.append((method, path, query, body))
        await asyncio.sleep(0)
        answer = self.answers.get((method, path))
        if callable(answer) and not isinstance(answer, type):
            answer = answer(query)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def delete_quietly(self, path):
        await self.request("DELETE", path)

    @contextmanager
    def listening(self, channel_id, listener):
        self.listeners[channel_id] = listener
        try:
            yield
        finally:
            del self.listeners[channel_id]

    def emit(self, kind, channel_id, *details):
        """Send an event of a channel that somebody listens to."""
        self.listeners[channel_id](kind(Channel(channel_id, "", ""), *details))

    async def until_sent(self, what):
        """Wait for a request."""
        async with asyncio.timeout(60):
            while what not in self.sent:
                await asyncio.sleep(0.01)
