"""Which case a number stands in, by the words before it: «до ста», «равна ста», «ограничена ста»."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from voxbot.text.letters import dictionary

if TYPE_CHECKING:
    from voxbot.text.numbers import Case

_REACH = 90
"""How many characters before a number are looked at."""
_PASSED_OVER = re.compile(
    r"(?:(?<!\w)(?:плюс|минус|плюс-минус|примерно|приблизительно|ориентировочно|ровно|почти|всего|лишь|только|уже"
    r"|ещё|максимум|минимум|целых|ежегодно|сразу)|(?<!\w)[+−±~-]?\d[\d ]{0,12}(?:[.,]\d{1,4})?"
    r"(?: ?[^\W\d_]{1,4}\.?| ?[%°₽])?(?:,? (?:и|или|либо))) $"
)
_LAST_WORD = re.compile(r"([^\W\d_]+)[ («\"]+$")


@dataclass(frozen=True, slots=True)
class Governor:
    """What decides the case: the word, and whether it is a verb, after which a range may begin with «от»."""

    word: str
    case: Case
    is_verb: bool = False


def governor(text: str, end: int) -> Governor | None:
    """What governs the number that begins at `end`; None when nothing does and it stands in the nominative."""
    before = text[max(0, end - _REACH) : end]
    while passed := _PASSED_OVER.search(before):
        before = before[: passed.start()]
    found = _LAST_WORD.search(before)
    if found is None:
        return None
    word = found[1].lower()
    for case, pattern in _patterns():
        if pattern.search(before.lower()):
            return Governor(word, case[:4], is_verb=case.endswith("verbs"))  # type: ignore[arg-type]
    return _by_grammar(word, text, end - len(text[max(0, end - _REACH) : end]) + found.start())


def _by_grammar(word: str, text: str, start: int) -> Governor | None:
    """A verb with an object, or an adjective in the plural: «при номинальных 220 В», «последних 5 мм»."""
    tags = [parse.tag for parse in morphology().parse(word)]
    if tags[0].POS in {"VERB", "INFN", "GRND"} and "tran" in tags[0]:
        return Governor(word, "accs", is_verb=True)
    if tags[0].POS != "ADJF" or "plur" not in tags[0]:
        return None
    before = governor(text, start)
    if before is not None and not before.is_verb:
        return before
    return Governor(word, "gent") if not any("nomn" in tag for tag in tags) else None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    def compiled(phrases: str) -> re.Pattern[str]:
        words = "|".join(re.escape(" ".join(phrase.split())) for phrase in phrases.split(","))
        words = words.replace("\\*", "[а-яё]*").replace("\\ ", " ")
        return re.compile(rf"(?<!\w)(?:{words})[ («\"]+$")

    return tuple((case, compiled(phrases)) for case, phrases in dictionary("governors").items())


@cache
def morphology() -> Any:
    """The dictionary of Russian word forms (18 MB; pymorphy3 declares no types)."""
    import pymorphy3  # noqa: PLC0415 - only spoken text needs it

    return pymorphy3.MorphAnalyzer(lang="ru")
