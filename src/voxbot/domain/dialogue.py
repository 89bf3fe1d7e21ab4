"""What was said in a call, and what the agent makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxbot.domain.ids import ChunkId

KbName: TypeAlias = Literal["general", "tech"]
KB_NAMES: tuple[KbName, KbName] = ("general", "tech")

Intent: TypeAlias = Literal["operator", "goodbye"]
"""What the caller wants done with the call itself, rather than answered."""

Speaker: TypeAlias = Literal["user", "bot"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One side's turn as it stands in memory and in the call log: a bot's `text` is what was *heard*."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class AnswerInfo:
    """What is known about an answer beside its words.

    `scores` are the likenesses (0–1) of the sources, in their order. `known` is false when the bot said that it does
    not know. `ms` holds stage times in milliseconds: `embed`, `search`, `first_token`, `total`, as far as they
    happened.
    """

    kb: KbName | None = None
    sources: tuple[ChunkId, ...] = ()
    scores: tuple[float, ...] = ()
    known: bool = True
    intent: Intent | None = None
    model: str = ""
    ms: Mapping[str, float] = field(default_factory=dict[str, float])
