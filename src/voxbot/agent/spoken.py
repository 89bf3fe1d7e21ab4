"""What a language model writes to what a voice can say: no markup, no addresses of pages, no end without an end."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from voxbot.agent.llm import THOUGHTS_END, Stopped, ToolCall, Whole
from voxbot.agent.sentences import plain
from voxbot.agent.tools import tool_in, tool_named
from voxbot.text.segmenter import MAX_SEGMENT_CHARS, Segmenter

if TYPE_CHECKING:
    from voxbot.agent.llm import Written
    from voxbot.agent.tools import Tool

_STAR = re.compile(r"(?<!\d)(?<!\d )\*")
"""Emphasis; «10*20» and «10 * 20» are sizes."""
_TIMES = re.compile(r"(?<=\d) ?\* ?(?=\d)")
_FENCE = re.compile(r"^(?:```|~~~)\s*\w*$")
_LINE_START = re.compile(r"^(?:>\s*)*(?:#{1,6}\s+|[-+•–—]\s+|\d{1,2}[.)]\s+(?=\D))?")
_SPEAKER = re.compile(r"^(?:ответ|ассистент|бот|помощник|assistant|bot)\s*:\s*", re.IGNORECASE)
_CITATION = re.compile(r"\[\^?\d+(?:, ?\d+)*\]|【[^】]*】")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)?")
_PAGE = re.compile(r"https?://(?:www\.)?((?:[\w-]+\.)+[^\W\d_]{2,})(?::\d+)?(?:/[^\s»)]*[^\s»).,!?;:])?/?")
_PICTURE = re.compile(
    "[\u200b-\u200f\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\ufe00-\ufe0f\u20e3"
    "\U0001f000-\U0001faff\U000e0000-\U000e007f]+"
)
_BRACKET = re.compile(r"[\[\]{}\\]")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[.,!?;:…])")
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|«\s*»")
_SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*$")
_CLAUSE_END = (",", ";", ":", "—")


def speakable(segment: str) -> str:
    """Return a segment as plain words and punctuation; empty when nothing of it can be said.

    Numbers, units and codes stay as they are written: text/verbalizer.py reads them.
    """
    text = segment.strip()
    if _FENCE.match(text):
        return ""
    text = _PAGE.sub(r"\1", _CITATION.sub("", _PICTURE.sub(" ", html.unescape(text))))
    text = _LINE_START.sub("", text.strip(), count=1)
    text = plain(_TIMES.sub("×", text))
    text = _BRACKET.sub(" ", _LINK_TARGET.sub("", text))
    text = _SPACE_BEFORE_MARK.sub("", _EMPTY_BRACKETS.sub("", " ".join(text.split()))).strip()
    return text if any(map(str.isalnum, text)) else ""


class SpokenAnswer:
    """Cuts a streamed answer into speakable segments, and ends it when it gets too long for the ear.

    `max_chars`: once a further segment would go beyond it and a whole sentence has been said, `full` is set and
    nothing more comes; a sentence that has been begun is let end, within MAX_SEGMENT_CHARS more. `tool` is set when
    the model calls one, by the protocol or in its text; nothing more comes then either.
    """

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._segmenter = Segmenter()
        self._tail = ""
        self._said: list[str] = []
        self._chars = 0
        self._cut = False
        self.full = False
        self.tool: Tool | None = None

    @property
    def text(self) -> str:
        """Everything given out so far."""
        return " ".join(self._said)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come, whatever the model goes on to write."""
        return self.full or self.tool is not None

    def take(self, item: Written) -> list[str]:
        """Take the next thing the model streams; return the segments that are complete by now."""
        match item:
            case str():
                _, thoughts_end, answer = item.rpartition(THOUGHTS_END)
                if thoughts_end:
                    self.rewind()
                return self._kept(self._segmenter.push(self._without_emphasis(answer)))
            case ToolCall(name):
                self.tool = tool_named(name)
            case Stopped():
                self._cut = True
            case Whole():
                pass
        return []

    def rewind(self) -> str:
        """Forget what has not been given out yet; return what has."""
        self._segmenter = Segmenter(first_clause=not self._said)
        self._tail = ""
        return self.text

    def finish(self) -> list[str]:
        """Return what is left at the end; of an answer that was cut off, without its unfinished sentence."""
        segments = self._kept(self._segmenter.flush())
        if self._cut and segments and len(self._said) > 1 and not _SENTENCE_END.search(segments[-1]):
            self._said.pop()
            return segments[:-1]
        return segments

    def _without_emphasis(self, piece: str) -> str:
        """Drop it before the cutting, so that the end of «**Да.** Есть» is seen at once."""
        context, at = self._tail + piece, len(self._tail)
        kept = list[str]()
        for star in _STAR.finditer(context, at):
            kept.append(context[at : star.start()])
            at = star.end()
        self._tail = context[-2:]
        return "".join(kept) + context[at:]

    def _kept(self, segments: list[str]) -> list[str]:
        taken: list[str] = []
        for segment in segments:
            if self.ended:
                break
            self.tool = tool_in(segment)
            text = "" if self.tool else speakable(segment if self._said else _SPEAKER.sub("", segment))
            if not text:
                continue
            if self._too_long(text):
                self.full = True
                break
            self._said.append(text)
            self._chars += len(text)
            taken.append(text)
        return taken

    def _too_long(self, text: str) -> bool:
        if not self._said or self._chars + len(text) <= self._max_chars:
            return False
        in_sentence = self._said[-1].endswith(_CLAUSE_END)
        return not in_sentence or self._chars + len(text) > self._max_chars + MAX_SEGMENT_CHARS
