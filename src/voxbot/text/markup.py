"""What is left of Markdown in a text that is to be heard."""

from __future__ import annotations

import re

from voxbot.text.ordinals import ordinal

_LINK = re.compile(r"!?\[([^\[\]\n]{1,200})\]\([^()\s]{0,300}\)")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,100}>")
_TABLE_RULE = re.compile(r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)*\s*:?-{3,}:?\s*\|?\s*$")
_CELLS = re.compile(r"\s*\|\s*")
_BULLET = re.compile(r"^\s*(?:[-*+•–—]|#{1,6})\s+(?=\S)")
_QUOTE = re.compile(r"^\s*>\s+(?=\D)")
_NUMBERED = re.compile(r"^\s*(\d{1,2})[.)]\s+(?=[^\W\d_«])")
_TIMES = re.compile(r"(?<=\d) ?\* ?(?=\d)")
_PRODUCT = re.compile(r"(?<=[Нтч])\*(?=[мч]\b)")
_MARKS = re.compile(r"~~|[*`#|\\{}\[\]^]+|(?<!\w)_+|_+(?!\w)")
_POWER = re.compile(r"(?<=[мm])\^(?=[23])")
_SHORTENED = re.compile(r"\d ?[а-яё]{1,4}\.$")
_ENDS = (".", ",", "!", "?", ":", ";", "…", "—", "-")


def without_markup(text: str) -> str:
    """One line of plain text; the items of a list and the cells of a table are kept apart by commas and full stops."""
    said = ""
    for raw in text.splitlines():
        if _TABLE_RULE.match(raw) and "-" in raw and not raw.strip("-|: \t"):
            continue
        line, is_item = _plain(raw)
        if not line:
            continue
        if said and (not said.endswith(_ENDS) or (is_item and _SHORTENED.search(said))):
            said += "." if line[0].isupper() else "," if is_item else ""
        said = f"{said} {line}" if said else line
    return said


def _plain(line: str) -> tuple[str, bool]:
    line = _QUOTE.sub("", line)
    bare = _NUMBERED.sub(_item, _BULLET.sub("", line, count=1))
    is_item = bare != line
    bare = _TAG.sub(" ", _LINK.sub(r"\1", bare))
    bare = _PRODUCT.sub("·", _TIMES.sub("×", _POWER.sub("", bare)))
    if "|" in bare:
        bare = _CELLS.sub(", ", bare.strip().strip("|").strip())
        is_item = True
    return _MARKS.sub(" ", bare).strip(), is_item


def _item(match: re.Match[str]) -> str:
    """«Первое. Включите машину» for an item of a numbered list."""
    return ordinal(int(match[1]), "nomn", "neut").capitalize() + ". "
