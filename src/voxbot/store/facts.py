"""What is made from a call's row in `logs`: counts for lists and figures, words for the search, times of stages."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import structlog

from voxbot.store.transcript import load_turns
from voxbot.store.words import folded, found_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxbot.store.models import LoggedCall
    from voxbot.store.transcript import TranscriptTurn

log = structlog.get_logger(__name__)

Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Derived:
    """The rows of one call in the tables beside `logs`."""

    facts: Values
    text: Values
    stages: Values | None
    ending: Values | None

    @property
    def vocabulary(self) -> list[str]:
        """The words for `search_words`; numbers are not completed."""
        return [word for word in self.text["words"].split() if word.isalpha()]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and what it takes of a call, None if nothing is to be done for it."""

    sql: str
    rows: Callable[[Derived], Values | None]


STATEMENTS = (
    Statement(
        """
        UPDATE call_facts
        SET pending = 0, kb = :kb, questions = :questions, answered_general = :answered_general,
            answered_tech = :answered_tech, unanswered = :unanswered, barge_ins = :barge_ins
        WHERE key = :key
        """,
        lambda derived: derived.facts,
    ),
    Statement(
        "UPDATE call_facts SET reason = :reason, detail = :detail, longest_dead_air_ms = :dead_air_ms WHERE key = :key",
        lambda derived: derived.ending,
    ),
    # A column whose value stays must not be written, or its full-text table would be written anew by the trigger.
    Statement(
        "UPDATE call_texts SET caller = :caller WHERE key = :key AND caller <> :caller", lambda derived: derived.text
    ),
    Statement(
        """
        INSERT INTO call_texts (key, caller, words) VALUES (:key, :caller, :words)
        ON CONFLICT (key) DO UPDATE SET words = excluded.words WHERE words <> excluded.words
        """,
        lambda derived: derived.text,
    ),
    Statement(
        """
        INSERT INTO call_stages (key, stages) VALUES (:key, :stages)
        ON CONFLICT (key) DO UPDATE SET stages = excluded.stages
        """,
        lambda derived: derived.stages,
    ),
)
"""What writes `Derived`; each is executed with the rows of all calls."""


def derive(key: int, call: LoggedCall, ending: Values | None = None) -> Derived:
    """Make everything that follows from a call; `ending`: its reason, detail and dead_air_ms once it is over."""
    try:
        return _derived(key, call, load_turns(call.transcript_json), ending)
    except Exception:  # whatever one dialogue holds, the others are made searchable, and this call by its number
        log.exception("Разговор не разобран, в поиске он только по номеру", call=call.id)
        return _derived(key, call, [], ending)


def _derived(key: int, call: LoggedCall, turns: Sequence[TranscriptTurn], ending: Values | None) -> Derived:
    stages = stages_of(turns)
    return Derived(
        facts={"key": key, **facts_of(turns)},
        text={"key": key, "caller": folded(call.caller_id), "words": words_of(turns)},
        stages={"key": key, "stages": stages} if stages else None,
        ending={"key": key, **ending} if ending else None,
    )


def facts_of(turns: Sequence[TranscriptTurn]) -> dict[str, int | str]:
    """Count what was asked and from where it was answered."""
    said = [turn for turn in turns if turn.get("speaker") == "bot"]
    general, tech = (sum(1 for turn in said if _answered_from(turn, kb)) for kb in ("general", "tech"))
    return {
        "kb": "both" if general and tech else "general" if general else "tech" if tech else "none",
        "questions": sum(1 for turn in turns if turn.get("speaker") == "user"),
        "answered_general": general,
        "answered_tech": tech,
        "unanswered": sum(1 for turn in said if turn.get("known") is False),
        "barge_ins": sum(1 for turn in said if turn.get("cut") is True),
    }


def words_of(turns: Sequence[TranscriptTurn]) -> str:
    """Return what the dialogue is found by: what was said, and the caller's words before normalising."""
    texts = (cast("Values", turn).get(name) for turn in turns for name in ("text", "raw"))
    return found_by(text for text in texts if isinstance(text, str))


def stages_of(turns: Sequence[TranscriptTurn]) -> str:
    """Return the stages' milliseconds as `CallStages` holds them, empty if none were measured."""
    found: dict[str, list[float]] = {}
    for turn in turns:
        measured: object = turn.get("ms")
        if isinstance(measured, dict):
            for stage, ms in cast("Values", measured).items():
                if isinstance(ms, int | float) and math.isfinite(ms):
                    found.setdefault(stage.encode(errors="replace").decode(), []).append(ms)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) if found else ""


def _answered_from(turn: TranscriptTurn, kb: str) -> bool:
    return turn.get("kb") == kb and turn.get("known") is not False
