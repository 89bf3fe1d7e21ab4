"""The bot's voice in one call: the reply being said, the one being prepared, and what fills the silence before it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from voxbot.agent.phrases import filler
from voxbot.call.filler import Filler, filler_sound
from voxbot.call.reply import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from voxbot.call.services import Services
    from voxbot.domain.audio import Samples
    from voxbot.domain.dialogue import AnswerInfo
    from voxbot.domain.events import EndReason
    from voxbot.media.playout import Playout
    from voxbot.turns.events import Rewind

    Source = Callable[[], AsyncGenerator[str | AnswerInfo, None]]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Spoken:
    """A reply and the task that says it; `done` once it is heard or cut, `end` why the call ends then."""

    reply: Reply
    task: asyncio.Task[None]
    end: EndReason | None
    done: bool = False


class Voice:
    """Everything the caller hears goes through here; one task at a time touches the line.

    `on_started(reply)` at the first sound; `on_heard(reply, end)` when all of it was heard, and again when a reply
    that was held after its last word is resumed; `on_cut(reply)` when it was cut off and is silent.
    """

    def __init__(
        self,
        services: Services,
        tasks: asyncio.TaskGroup,
        playout: Playout,
        *,
        on_started: Callable[[Reply], None],
        on_heard: Callable[[Reply, EndReason | None], None],
        on_cut: Callable[[Reply], None],
    ) -> None:
        self._services = services
        self._tasks = tasks
        self._playout = playout
        self._on_started = on_started
        self._on_heard = on_heard
        self._on_cut = on_cut
        self._current: _Spoken | None = None
        self._prepared: _Spoken | None = None
        self._line: asyncio.Task[None] | None = None  # the latest operation on the line; the next waits for it
        self._filling: asyncio.Task[None] | None = None
        self._repeating: asyncio.Task[None] | None = None
        self._fillers: list[Filler] = []  # heard before the reply that they belong to
        self._latest: Filler | None = None
        self._replies: list[Reply] = []  # not reported yet
        self._in_turn = self._in_call = 0

    @property
    def reply(self) -> Reply | None:
        """What is being said, or was said last."""
        return self._current.reply if self._current else None

    def say(self, source: Source, *, words: str = "", end: EndReason | None = None) -> None:
        """Say something, after what was cut off before it has fallen silent."""
        self.drop_prepared()
        self._in_turn = 0
        self._current = self._start(source, words, end=end)

    def prepare(self, source: Source, words: str) -> None:
        """Begin the answer to `words` unheard."""
        self.drop_prepared()
        self._prepared = self._start(source, words, released=False)

    def take_prepared(self, matches: Callable[[str], bool]) -> bool:
        """Say what was prepared, if `matches(words)` says that it answers what was asked; else drop it."""
        if not self._prepared or not matches(self._prepared.reply.words):
            self.drop_prepared()
            return False
        self._in_turn = 0
        self._current, self._prepared = self._prepared, None
        self._current.reply.release()
        return True

    def drop_prepared(self) -> None:
        """Forget what was prepared: it was never heard."""
        if self._prepared:
            self._prepared.task.cancel()
            self._prepared = None

    def hold(self) -> None:
        """Silence at once what is being said."""
        self.stop_filling()
        self._stop_repeating()
        self._on_line(self._hold)

    def resume(self, rewind: Rewind) -> None:
        """Go on with what was held, after the hold music."""
        self.stop_filling()
        self._on_line(lambda: self._resume(rewind))

    def cancel(self) -> None:
        """Stop what is prepared, said or held; `on_cut` follows."""
        self.drop_prepared()
        self.stop_filling()
        self._stop_repeating()
        spoken = self._current
        if spoken and not spoken.done:
            spoken.done = True
            spoken.task.cancel()
            self._on_line(lambda: self._silence(spoken))
        else:
            self.hush()

    def hush(self) -> None:
        """Stop a filler or hold music; a reply goes on."""
        self.stop_filling()
        if self._playout.sounding and (self._current is None or self._current.done):
            self._on_line(self._flush)

    def fill(self, hold_sound: Samples | None) -> None:
        """Let the caller hear that somebody is there: a few words, or `hold_sound` until something else is said."""
        self.stop_filling()
        self._filling = self._tasks.create_task(self._loop(hold_sound) if hold_sound is not None else self._fill())

    def stop_filling(self) -> None:
        """Begin no filler, end the hold music; a spoken filler that has begun is heard out."""
        filling, self._filling = self._filling, None
        if filling and not filling.done():
            filling.cancel()
            self._on_line(lambda: _ended(filling))

    def stop(self) -> None:
        """End every task."""
        for task in (
            self._filling,
            self._repeating,
            self._line,
            *(s.task for s in (self._current, self._prepared) if s),
        ):
            if task:
                task.cancel()

    # --- saying --------------------------------------------------------------------------------

    def _start(self, source: Source, words: str, *, end: EndReason | None = None, released: bool = True) -> _Spoken:
        reply = Reply(
            source,
            tts=self._services.tts,
            verbalize=self._services.verbalize,
            playout=self._playout,
            before_sound=self._before_sound,
            words=words,
            released=released,
        )
        return _Spoken(reply, self._tasks.create_task(self._speak(reply, self._line)), end)

    async def _speak(self, reply: Reply, line: asyncio.Task[None] | None) -> None:
        if line:
            await asyncio.wait({line})
        await reply.run()
        spoken = self._current
        if spoken and spoken.reply is reply:
            self._claim_fillers(reply)
            spoken.done = True
            self._report(reply)
            self._on_heard(reply, spoken.end)

    async def _before_sound(self, reply: Reply) -> None:
        self.stop_filling()
        while self._line and not self._line.done():
            await asyncio.wait({self._line})
            await reply.until_released()  # it may have been held meanwhile
        self._claim_fillers(reply)
        self._replies.append(reply)
        self._on_started(reply)

    def _report(self, reply: Reply) -> None:
        if reply in self._replies:
            self._replies.remove(reply)

    # --- the line, one operation after the other -----------------------------------------------

    def _on_line(self, operation: Callable[[], Awaitable[None]]) -> None:
        self._line = self._tasks.create_task(_after(self._line, operation))

    async def _silence(self, spoken: _Spoken) -> None:
        """Stop the making of sound, then what Asterisk still holds, then keep only what was heard."""
        await asyncio.wait({spoken.task})
        await self._flush()
        self._claim_fillers(spoken.reply)
        self._report(spoken.reply)
        self._on_cut(spoken.reply)

    async def _hold(self) -> None:
        if self._current:
            await self._current.reply.hold()
            self._settle_filler()
        else:
            await self._flush()

    async def _flush(self) -> None:
        await self._playout.flush()
        self._settle_filler()

    def _settle_filler(self) -> None:
        """After a flush: of a filler that was cut off only the words that were heard are kept."""
        cut, self._latest = self._latest, None
        if cut:
            cut.text = cut.heard(self._playout.heard, self._services.verbalize)
            cut.end = min(cut.end, self._playout.heard)
            if cut.segment:
                cut.segment.text = cut.text

    async def _resume(self, rewind: Rewind) -> None:
        self._stop_repeating()
        if not self._current:
            return
        if self._current.done:
            self._on_heard(self._current.reply, self._current.end)
        else:
            self._current.reply.resume(rewind)
            self._repeating = self._tasks.create_task(self._current.reply.send_again())

    def _stop_repeating(self) -> None:
        if self._repeating:
            self._repeating.cancel()
            self._repeating = None

    # --- fillers -------------------------------------------------------------------------------

    async def _fill(self) -> None:
        text = filler(self._in_turn, self._in_call)
        self._in_turn, self._in_call = self._in_turn + 1, self._in_call + 1
        sound, said = await filler_sound(text, self._services)
        if self._playout.sounding:
            return
        start = self._playout.sent
        if said:
            self._latest = Filler(text, start, start + len(sound))
            if self.reply and self.reply.sounding and self._current and not self._current.done:
                self._latest.segment = self.reply.insert(text)
            else:
                self._fillers.append(self._latest)
        await self._playout.send(sound)

    async def _loop(self, sound: Samples) -> None:
        """Hold music, a little ahead of the ear, until it is stopped; what of it is not heard then is flushed."""
        try:
            while True:
                for start in range(0, len(sound), self._playout.block_samples):
                    await self._playout.until_heard(self._playout.sent - self._playout.block_samples)
                    await self._playout.send(sound[start : start + self._playout.block_samples])
        finally:
            await self._flush()

    def _claim_fillers(self, reply: Reply) -> None:
        """Give the fillers to the reply they were said for; `_settle_filler` may still shorten the latest."""
        claimed, self._fillers = self._fillers, []
        for said in claimed:
            if said.text:
                said.segment = reply.insert(said.text)

    def unreported(self) -> list[Reply]:
        """Replies that were being said or silenced when everything stopped, in order."""
        if self._latest and self._latest.segment:
            self._latest.segment.text = self._latest.heard(self._playout.heard, self._services.verbalize)
        return self._replies

    def unclaimed(self) -> str:
        """Fillers that no reply followed."""
        heard = self._playout.heard
        return " ".join(filter(None, (said.heard(heard, self._services.verbalize) for said in self._fillers)))


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task})


async def _after(before: asyncio.Task[None] | None, operation: Callable[[], Awaitable[None]]) -> None:
    if before:
        await asyncio.wait({before})
    await operation()
