"""Questions that the bot could not answer, as the call log holds them: a turn of the bot with `known` false."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.domain.dialogue import Utterance
from voxbot.store.transcript import load_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN_MARK = '"known": false'
"""What `transcript.dump_turns` writes of such a turn: spares the parsing of most calls."""


@dataclass(frozen=True, slots=True)
class UnansweredTurn:
    """A caller's `question` and the bot's `answer`, which was no answer.

    `before` is the dialogue up to the question. `at` is local text (store/times.py): when the bot answered.
    """

    call_id: str
    at: str
    question: str
    before: tuple[Utterance, ...]
    answer: str


def unanswered_turns(call_id: str, start_time: str, transcript_json: str) -> Iterator[UnansweredTurn]:
    """Yield a call's unanswered questions in order; a bot's turn with no caller's words before it is none."""
    said: list[Utterance] = []
    for turn in load_turns(transcript_json):
        text = str(turn.get("text") or "").strip()
        if not text:
            continue
        if turn.get("speaker") == "user":
            said.append(Utterance("user", text))
            continue
        if turn.get("known") is False and said and said[-1].speaker == "user":
            at = str(turn.get("timestamp") or start_time)
            yield UnansweredTurn(call_id, at, said[-1].text, tuple(said[:-1]), text)
        said.append(Utterance("bot", text))


@dataclass(frozen=True, slots=True)
class AskedTurn(UnansweredTurn):
    """A caller's `question` that was looked up in the knowledge bases, and whether the answer was `known`."""

    known: bool


def asked_turns(call_id: str, start_time: str, transcript_json: str) -> Iterator[AskedTurn]:
    """Yield a call's questions in order; wishes about the call itself (operator, goodbye) are none."""
    said: list[Utterance] = []
    for turn in load_turns(transcript_json):
        text = str(turn.get("text") or "").strip()
        if not text:
            continue
        if turn.get("speaker") == "user":
            said.append(Utterance("user", text))
            continue
        known = turn.get("known") is not False
        if (turn.get("kb") or not known) and said and said[-1].speaker == "user":
            at = str(turn.get("timestamp") or start_time)
            yield AskedTurn(call_id, at, said[-1].text, tuple(said[:-1]), text, known)
        said.append(Utterance("bot", text))
