"""The calls of all bots for everybody who watches: one stream from each bot, however many watch it here."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxbot.admin.events import KEEP_ALIVE, event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence

_KEEP_ALIVE_S = 12.0
"""Less than the 60 s after which proxies cut a stream that says nothing; and a dead page is noticed."""
_LINGER_S = 5.0
"""The bots' streams are kept so long when nobody watches any more: pages are reloaded, scripts ask again."""


@dataclass(frozen=True, slots=True)
class BotEvent:
    """What a bot tells: `snapshot`, `call` or `ended` as in observers/live_http.py, or `bot`: whether it is there."""

    kind: str
    document: dict[str, Any]


@dataclass(slots=True)
class WatchedBot:
    """A bot and its calls in the order in which they began. `ok`: it answers; None while that is not known yet."""

    address: str
    ok: bool | None = None
    detail: str = ""
    calls: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    clock_ahead_s: float = 0.0
    known: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has told its calls, or has not answered."""
    _written: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def is_there(self) -> bool:
        """Whether it answers and has told its calls."""
        return bool(self.ok) and self.known.is_set()

    def written(self, kind: str, document: dict[str, Any]) -> str:
        """Write an event of this bot's, with its clock."""
        return event(kind, {"bot": self.address, "now": time.time() + self.clock_ahead_s, **document})

    def whole(self) -> list[str]:
        """Tell everything of it anew."""
        told = [] if self.ok is None else [self.written("bot", {"ok": self.ok, "detail": self.detail})]
        return [*told, self.written("snapshot", {"calls": list(self.calls.values())})] if self.is_there else told

    def call(self, call_id: str) -> str:
        """Tell one call as it is, written once for all who watch; nothing if it is over."""
        if call_id in self.calls and call_id not in self._written:
            self._written[call_id] = self.written("call", {"call": self.calls[call_id]})
        return self._written.get(call_id, "")

    def take(self, told: BotEvent) -> tuple[str | None, str]:
        """Take what it tells; return the call that is to be told on, None for all, and the event of its end."""
        self.clock_ahead_s = told.document.get("now", time.time()) - time.time()
        match told.kind:
            case "call":
                call = told.document["call"]
                self.calls[call["id"]] = call
                self._written.pop(call["id"], None)
                return call["id"], ""
            case "ended":
                self.calls.pop(told.document["id"], None)
                self._written.pop(told.document["id"], None)
                return told.document["id"], self.written("ended", told.document)
            case "snapshot":
                self.calls = {call["id"]: call for call in told.document["calls"]}
                self.known.set()
            case _:
                self.ok, self.detail = told.document["ok"], told.document["detail"]
                self.calls = {}
                self.known.clear() if self.ok else self.known.set()
        self._written.clear()
        return None, ""


class Viewer:
    """One who watches. It notes which calls have changed, not what has: a slow one sees fewer pictures, never old ones.

    It is told the truth of the moment in which it asks.
    """

    def __init__(self, bots: Sequence[WatchedBot]) -> None:
        self.bots = bots
        self._whole: set[str] = {bot.address for bot in bots}
        self._changed: dict[tuple[str, str], str] = {}
        self._something = asyncio.Event()
        self._something.set()

    def tell(self, bot: WatchedBot, call_id: str | None, end: str) -> None:
        """Take note of what has changed."""
        if call_id is None:
            self._whole.add(bot.address)
        else:
            self._changed[bot.address, call_id] = end
        self.wake()

    def wake(self) -> None:
        """Let `news` return."""
        self._something.set()

    async def news(self) -> Iterator[str]:
        """Wait for something new and give it, as events; each is made when it is taken."""
        await self._something.wait()
        self._something.clear()
        whole, self._whole = self._whole, set()
        changed, self._changed = self._changed, {}
        return self._told(whole, changed)

    def _told(self, whole: set[str], changed: dict[tuple[str, str], str]) -> Iterator[str]:
        bots = {bot.address: bot for bot in self.bots}
        for address in whole:
            yield from bots[address].whole()
        for (address, call_id), end in changed.items():
            if text := end or bots[address].call(call_id):
                yield text


class Watch:
    """All bots' calls. `follow(address)` gives what a bot tells, for ever; it is asked only while somebody watches."""

    def __init__(self, addresses: Sequence[str], follow: Callable[[str], AsyncGenerator[BotEvent, None]]) -> None:
        self._addresses = addresses
        self._follow = follow
        self._bots: list[WatchedBot] = []
        self._viewers: set[Viewer] = set()
        self._following: set[asyncio.Task[None]] = set()
        self._ceasing: asyncio.TimerHandle | None = None

    @contextmanager
    def watching(self) -> Generator[Viewer]:
        """Watch until the end of the `with`."""
        if self._ceasing:
            self._ceasing.cancel()
            self._ceasing = None
        elif not self._viewers:
            self._begin()
        viewer = Viewer(self._bots)
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                self._ceasing = asyncio.get_running_loop().call_later(_LINGER_S, self._cease)

    async def close(self) -> None:
        """Ask the bots no more."""
        if self._ceasing:
            self._ceasing.cancel()
        self._cease()
        if self._following:
            await asyncio.wait(self._following)

    def _begin(self) -> None:
        self._bots = [WatchedBot(address) for address in self._addresses]
        for bot in self._bots:
            task = asyncio.create_task(self._keep_up(bot))
            self._following.add(task)
            task.add_done_callback(self._following.discard)

    def _cease(self) -> None:
        self._ceasing = None
        for task in self._following:
            task.cancel()

    async def _keep_up(self, bot: WatchedBot) -> None:
        async with aclosing(self._follow(bot.address)) as events:
            async for told in events:
                call_id, end = bot.take(told)
                for viewer in self._viewers:
                    viewer.tell(bot, call_id, end)


async def changes(watch: Watch, stopping: asyncio.Event) -> AsyncGenerator[str, None]:
    """Give what all bots tell as one stream of events, which ends with `stopping`."""
    with watch.watching() as viewer:
        ending = asyncio.create_task(stopping.wait())
        ending.add_done_callback(lambda _: viewer.wake())
        try:
            yield ": hello\n\n"
            while not stopping.is_set():
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_S):
                        news = await viewer.news()
                except TimeoutError:
                    yield KEEP_ALIVE
                    continue
                for text in news:
                    yield text
        finally:
            ending.cancel()
