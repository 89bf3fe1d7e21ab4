"""The result of a search, in the shape that `voxbot kb search --json` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from voxbot.knowledge.markdown import under

if TYPE_CHECKING:
    from voxbot.domain.dialogue import KbName
    from voxbot.domain.ids import ChunkId


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that may answer the question; `score` is calibrated to 0–1 for every embedder.

    `above` holds, as Markdown lines, the headings over the text that are not in it.
    """

    kb: KbName
    title: str
    score: float
    text: str
    chunk_id: ChunkId
    above: str = ""

    @property
    def whole(self) -> str:
        """The text under all its headings: what is answered from."""
        return under(self.above, self.text)


@dataclass(frozen=True, slots=True)
class SearchMs:
    """Milliseconds spent."""

    embed: float
    search: float
    total: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What the knowledge bases hold on a question: `hits` best first.

    `embedding` is `none` where the model did not answer, and the bases were searched by words alone. `unknown` are the
    nouns of the question (lower case, «ё» as «е») that neither base has in any form.
    """

    route: KbName
    used: KbName
    fallback: bool
    embedding: Literal["cached", "computed", "none"]
    hits: tuple[Hit, ...]
    ms: SearchMs
    unknown: tuple[str, ...] = ()
