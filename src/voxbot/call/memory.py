"""What was said and heard in one call: told to the observers, kept for the agent."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.dialogue import Utterance
from voxbot.domain.events import BotTurn, CallerTurn

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.call.reply import Reply
    from voxbot.domain.dialogue import Speaker
    from voxbot.domain.events import CallEvent
    from voxbot.domain.ids import CallId

log = structlog.get_logger(__name__)

_SUMMARY_TURNS = 3
_LATEST_REPLIES = 8


class Memory:
    """One call's dialogue. A turn of the bot holds the words that were heard, and only those."""

    def __init__(self, call_id: CallId, publish: Callable[[CallEvent], None], *, log_speech: bool) -> None:
        self._call_id = call_id
        self._publish = publish
        self._log_speech = log_speech
        self._turn: CallerTurn | None = None  # taken, but not answered aloud yet
        self._told: deque[Reply] = deque(maxlen=_LATEST_REPLIES)
        self.history: list[Utterance] = []

    @property
    def awaits_answer(self) -> bool:
        """Whether a turn of the caller waits for the bot's first sound."""
        return self._turn is not None

    @property
    def last_bot_text(self) -> str:
        """What the caller heard last."""
        return next((turn.text for turn in reversed(self.history) if turn.speaker == "bot"), "")

    @property
    def summary(self) -> str:
        """What the caller has asked so far, the latest first, for the person who takes over."""
        asked = [turn.text for turn in self.history if turn.speaker == "user" and turn.text != "0"]
        return ". ".join(reversed(asked[-_SUMMARY_TURNS:]))

    def take(self, text: str, raw: str, ms: dict[str, float]) -> None:
        """Keep the caller's turn until the bot's first sound: until then they may go on with it."""
        self._turn = CallerTurn(self._call_id, time.time(), text, raw, ms)

    def withdraw(self) -> None:
        """The turn goes on: its words so far come again with the rest."""
        self._turn = None

    def commit(self) -> None:
        """The caller's turn is over."""
        if turn := self._turn:
            self._turn = None
            self._keep("user", turn.text)
            self._publish(turn)

    def heard(self, reply: Reply) -> None:
        """Keep what was heard of a reply that is over or cut off; once, whoever tells it first."""
        if reply in self._told:
            return
        self._told.append(reply)
        text = reply.heard_text
        if not text:
            return
        self._keep("bot", text)
        ms = {**(reply.answer.ms if reply.answer else {}), **reply.ms}
        self._publish(
            BotTurn(self._call_id, time.time(), text, reply.planned_text, not reply.heard_all, reply.answer, ms)
        )

    def heard_alone(self, text: str) -> None:
        """Keep words that no reply followed."""
        if text:
            self._keep("bot", text)
            self._publish(BotTurn(self._call_id, time.time(), text, text, cut=False))

    def _keep(self, speaker: Speaker, text: str) -> None:
        self.history.append(Utterance(speaker, text))
        if self._log_speech:
            log.info("Сказано", speaker=speaker, text=text)
