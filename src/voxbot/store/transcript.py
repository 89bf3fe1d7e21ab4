"""A call's dialogue as the column `transcript_json` holds it: a JSON array of turns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

if TYPE_CHECKING:
    from voxbot.domain.dialogue import Intent, KbName, Speaker


class TranscriptTurn(TypedDict):
    """One turn. `text` of the bot is what the caller heard; `timestamp` is local time with milliseconds."""

    speaker: Speaker
    text: str
    timestamp: str
    raw: NotRequired[str]
    """Caller: what recognition gave, before units were normalised."""
    kb: NotRequired[KbName]
    """Bot: the knowledge base that the answer came from."""
    sources: NotRequired[list[str]]
    """Bot: ids of the passages used."""
    scores: NotRequired[list[float]]
    """Bot: the likenesses of the passages, 0–1, in their order."""
    model: NotRequired[str]
    """Bot: what wrote the answer."""
    intent: NotRequired[Intent]
    """Bot: the wish that it fulfilled."""
    planned: NotRequired[str]
    """Bot: what it was going to say, if that is more than was heard."""
    known: NotRequired[bool]
    """Bot: false when it said that it does not know."""
    cut: NotRequired[bool]
    """Bot: whether the caller stopped it."""
    ms: NotRequired[dict[str, float]]
    """Milliseconds of each stage, as in domain/events.py."""


def dump_turns(turns: list[TranscriptTurn]) -> str:
    """Write the column."""
    return json.dumps(turns, ensure_ascii=False)


def load_turns(transcript_json: str) -> list[TranscriptTurn]:
    """Read the column. What an older bot left there in another shape counts as no turns."""
    try:
        turns: object = json.loads(transcript_json)
    except (ValueError, RecursionError):  # RecursionError: brackets within brackets without end
        return []
    if not isinstance(turns, list):
        return []
    return cast("list[TranscriptTurn]", [turn for turn in cast("list[Any]", turns) if isinstance(turn, dict)])


def said(transcript_json: str, wanted: str) -> bool:
    """Whether someone said `wanted` (lower case), in any letter case. The SQL function of the same name."""
    escaped = json.dumps(wanted, ensure_ascii=False)[1:-1]
    if escaped not in transcript_json.lower():  # spares the parsing of most calls
        return False
    texts = (turn.get(key) for turn in load_turns(transcript_json) for key in ("text", "raw"))
    return any(wanted in str(text).lower() for text in texts if text is not None)
