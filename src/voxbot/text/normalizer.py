"""What a caller said, with units in canonical form: «на тысячу килоньютон» → «на тысячу кН».

Most units are recognised only after a number, so that look-alikes («в метро», «Ньютон открыл закон») stay. Numbers
stay as they were spoken. Idempotent; one pass over the words, each looked up in a tree of phrases.
"""

from __future__ import annotations

import re
import time
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from voxbot.text.numbers import NUMBER_WORDS, words_to_digits
from voxbot.text.slips import SlipsFile, packaged_slips
from voxbot.text.unit_forms import Form, unit_forms
from voxbot.text.wordlist import word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_DASHES = "\\-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad"  # hyphens, dashes, the minus sign
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)?(?:-?(?:ти|ми|мя|х|ю)(?!\w))?"
    r"|(?:тыс|млн|млрд)\.?(?!\w)"
    r"|°?[^\W\d_]+(?:[/·⋅∙•*][^\W\d_]+){0,2}(?:\^?[²2](?!\d))?|[%°℃]",
    re.IGNORECASE,
)
_HYPHENS = frozenset("-\u2010\u2011")
_WITHIN_PHRASE = re.compile(rf"[\s{_DASHES}]*|\.\s?")
_AFTER_NUMBER = re.compile(rf"\s*(?:[\-\u2010\u2011\u2212\u00ad]\s*)?|[{_DASHES}]")
_FOLDED = str.maketrans("ё²⋅∙•*", "е2····", "^")
_NUMBER_WORDS = NUMBER_WORDS | word_set("""
    половиной четвертью лишним целых десятая десятую десятой десятых сотая сотую сотой сотых
    тысячная тысячную тысячной тысячных
    сотня сотни сотню сотней сотен сотням сотка сотки сотку десяток десятка десятку десятков десятки
    пара пару пары парой парочка парочку тыс тыс. млн млн. млрд млрд. полсотни полтыщи полтысячи полмиллиона
    писят пийсят шисят пятьсят восемьсят
""")
_HOUR = re.compile(r"\d{1,2}")
_CLOCK_HOURS = 24
_NEAR_WORDS = 8
_PASSES = 4


@dataclass(slots=True)
class _Node:
    """A place in the tree of phrases: the words that may follow, and what the phrase up to here means."""

    next: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """A text in words: where each stands, and how it is looked up."""

    text: str
    tokens: list[re.Match[str]]
    folded: list[str]

    def joined(self, index: int, joint: re.Pattern[str]) -> bool:
        """Whether the word at `index` and the one before it are parted by no more than `joint`."""
        if index == 0:
            return False
        start, end = self.tokens[index - 1].end(), self.tokens[index].start()
        return start == end or joint.fullmatch(self.text, start, end) is not None

    def hyphenated(self, index: int) -> bool:
        """Whether the word at `index` is the second half of a compound: «тонн-километров»."""
        if index >= len(self.tokens) or not self.folded[index][0].isalpha():
            return False
        return self.text[self.tokens[index - 1].end() : self.tokens[index].start()] in _HYPHENS

    def keys(self, index: int) -> tuple[str, ...]:
        """What the word at `index` is looked up as; a single letter also in its own case."""
        word = self.folded[index]
        return (word,) if len(word) > 1 else (word, "=" + self.tokens[index].group())


class Normalizer:
    """Spoken units and ASR slips to canonical text. Immutable once made; shared by all calls.

    `own` are an operator's slips (see `voxbot.text.slips`); they win over the packaged phrases.
    """

    def __init__(self, own: Iterable[Form] = ()) -> None:
        self._trees = [tree for tree in (_tree(own), _packaged_tree()) if tree.next]

    def normalize(self, text: str) -> str:
        """Return `text` with its units and trade words in canonical form; everything else stays as it is."""
        for _ in range(_PASSES):  # what has become short may now be part of a longer unit: «кН» and «м»
            done = self._once(text)
            if done == text:
                break
            text = done
        return text

    def _once(self, text: str) -> str:
        tokens = list(_TOKEN.finditer(text))
        words = _Words(text, tokens, [_fold(token.group()) for token in tokens])
        out: list[str] = []
        done = index = 0
        number = range(0)
        while index < len(tokens):
            if _is_number(words.folded[index]):
                goes_on = bool(number) and words.joined(index, _WITHIN_PHRASE)
                number = range(number.start if goes_on else index, index + 1)
                index += 1
                continue
            if number and not _counts(words, number):
                number = range(0)
            length, symbol = self._longest(words, index, number)
            number = range(0)
            start, end = tokens[index].start(), tokens[index + max(length, 1) - 1].end()
            if length and text[start:end] != symbol:
                out += [text[done:start], " " if text[start - 1 : start].isdigit() else "", symbol]
                done = end
            index += max(length, 1)
        out.append(text[done:])
        return "".join(out)

    def _longest(self, words: _Words, start: int, number: range) -> tuple[int, str]:
        """Give how many words the longest phrase at `start` has, and its symbol."""
        found = (0, "")
        nodes = self._trees
        for index in range(start, len(words.tokens)):
            if index > start and not words.joined(index, _WITHIN_PHRASE):
                break
            nodes = [following for node in nodes for key in words.keys(index) if (following := node.next.get(key))]
            if not nodes:
                break
            phrase = range(start, index + 1)
            meant = next((node.form for node in nodes if node.form and _means(node.form, words, phrase, number)), None)
            if meant:
                found = (len(phrase), meant.symbol)
        return found


class LiveNormalizer:
    """A `Normalizer` with the slips of an operator's file, made anew when the file has changed.

    Raises ConfigError at the start when the file is there and wrong.
    """

    def __init__(self, path: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self._file = SlipsFile(path, now_s)
        self._forms = self._file.forms
        self._normalizer = Normalizer(self._forms)

    def normalize(self, text: str) -> str:
        """Normalise with the last good slips: see `Normalizer`."""
        if self._file.forms is not self._forms:
            self._forms = self._file.forms
            self._normalizer = Normalizer(self._forms)
        return self._normalizer.normalize(text)


@cache
def default_normalizer() -> Normalizer:
    """The normaliser with the packaged data only."""
    return Normalizer()


def normalize(text: str) -> str:
    """Normalise with the packaged data: see `Normalizer`."""
    return default_normalizer().normalize(text)


def _fold(word: str) -> str:
    return word.lower().translate(_FOLDED)


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in _NUMBER_WORDS


def _counts(words: _Words, number: range) -> bool:
    """Whether the number right before the next word counts it; not that of a model, «GBH2v»."""
    if not words.joined(number.stop, _AFTER_NUMBER):
        return False
    start, end = words.tokens[number.start].start(), words.tokens[number.stop - 1].end()
    glued_after = words.tokens[number.stop].start() == end
    return not (glued_after and start and words.text[start - 1].isalpha())


def _means(form: Form, words: _Words, phrase: range, number: range) -> bool:
    """Whether the phrase is the unit here, given the number right before it (empty: there is none)."""
    if number:
        return not _denied(form, words, phrase, number)
    if form.alone is None:  # ANYWHERE
        return True
    return words.joined(phrase.start, _AFTER_NUMBER) and words.folded[phrase.start - 1] in form.alone


def _denied(form: Form, words: _Words, phrase: range, number: range) -> bool:
    """Whether the words around tell that in spite of the number this is not the unit."""
    folded = words.folded
    before = folded[number.start - 1] if words.joined(number.start, _AFTER_NUMBER) else ""
    after = folded[phrase.stop] if phrase.stop < len(folded) else ""
    near = folded[max(0, phrase.start - _NEAR_WORDS) : phrase.stop + _NEAR_WORDS] if form.not_near else []
    return (
        (form.alone is not None and words.hyphenated(phrase.stop))
        or before in form.not_after
        or after in form.not_before
        or (before in form.not_after_clock and _shows_clock(words, number))
        or any(word.startswith(form.not_near) for word in near)
    )


def _shows_clock(words: _Words, number: range) -> bool:
    """Whether the number after «в», «к», «до» is an hour of the day, not a length («от двух до пяти»)."""
    earlier = words.folded[max(0, number.start - 5) : number.start]
    said = words.text[words.tokens[number.start].start() : words.tokens[number.stop - 1].end()]
    if (earlier[-1:] == ["до"] and "от" in earlier) or earlier[-2:] == ["раз", "в"]:
        return False
    hour = _HOUR.fullmatch(words_to_digits(said))
    return hour is not None and int(hour.group()) <= _CLOCK_HOURS


def _tree(forms: Iterable[Form]) -> _Node:
    root = _Node()
    for form in forms:
        node = root
        for word in _phrase_words(form.phrase):
            node = node.next.setdefault(word, _Node())
        node.form = node.form or form
    return root


def _phrase_words(phrase: str) -> Iterator[str]:
    """Yield the words of a phrase as they will be looked up; «=N» stays."""
    for part in phrase.split():
        if part.startswith("="):
            yield part
        elif part.isalpha():
            yield _fold(part)
        else:
            yield from (_fold(token.group()) for token in _TOKEN.finditer(part))


@cache
def _packaged_tree() -> _Node:
    text = resources.files("voxbot.text").joinpath("data", "units.toml").read_text(encoding="utf-8")
    return _tree([*unit_forms(tomllib.loads(text)), *packaged_slips()])
