"""What a caller said, with units in canonical form: «на тысячу килоньютон» → «на тысячу кН».

A unit is recognised only after a number, so that look-alikes («в метро», «Ньютон открыл закон») stay. Numbers
stay as they were spoken. Idempotent; one pass over the words, each looked up in a tree of phrases.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from voxbot.domain.errors import ConfigError
from voxbot.text.numbers import NUMBER_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TOKEN = re.compile(r"\d+(?:[.,]\d+)?|°?[^\W\d_]+(?:[/·][^\W\d_]+)?[²2]?|%")
_JOINT = re.compile(r"[\s\-‐‑‒–—−]*")

_PREFIXES = ("кило", "мега", "гига", "милли", "микро", "санти", "деци")
_LETTER_NAMES: dict[str, tuple[str, ...]] = {
    "а": ("а",),
    "б": ("бэ", "б"),
    "в": ("вэ", "ве", "в"),
    "г": ("гэ", "ге", "г"),
    "д": ("дэ", "де", "д"),
    "к": ("ка", "кэ", "к"),
    "м": ("эм", "мэ", "м"),
    "н": ("эн", "нэ", "н"),
    "п": ("пэ", "пе", "п"),
    "с": ("эс", "сэ", "с"),
    "т": ("тэ", "те", "т"),
    "ц": ("цэ", "це", "ц"),
}
_ENDINGS = {
    "hard": ("", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах"),
    "soft": ("ь", "я", "ю", "ем", "е", "и", "ей", "ям", "ями", "ях"),
    "femn": ("а", "ы", "е", "у", "ой", "", "ам", "ами", "ах"),
}
_SAID_BEFORE_UNIT = frozenset({"половиной", "десятых", "сотых", "тысячных", "целых", "десятая", "пара", "пару"})


@dataclass(slots=True)
class _Node:
    """A place in the tree of phrases: the words that may follow, and what the phrase up to here becomes."""

    next: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    replacement: str = ""
    needs_number: bool = True
    not_after: frozenset[str] = frozenset()
    not_in: tuple[str, ...] = ()


class Normalizer:
    """Spoken units and ASR slips to canonical text. Immutable once made; shared by all calls.

    `slips` names a file in the form of `data/asr_slips.toml` whose entries are added to the packaged ones.
    Raises ConfigError when that file cannot be read.
    """

    def __init__(self, slips: Path | None = None) -> None:
        self._root = _Node()
        for node, phrases in _units():
            self._add(phrases, node)
        self._add_slips(_packaged("asr_slips.toml"))
        if slips is not None:
            self._add_slips(_read(slips))

    def normalize(self, text: str) -> str:
        """Return `text` with its units and trade words in canonical form."""
        tokens = list(_TOKEN.finditer(text))
        words = [match.group().lower().replace("ё", "е") for match in tokens]
        out: list[str] = []
        done = index = 0
        number_at = -1
        while index < len(words):
            if _is_number(words[index]):
                number_at = number_at if number_at >= 0 and self._touches(text, tokens, index) else index
                index += 1
                continue
            after_number = number_at >= 0 and self._touches(text, tokens, index)
            before = words[number_at - 1] if after_number and number_at else ""
            length, replacement = self._longest(text, tokens, words, index, before if after_number else None)
            number_at = -1
            if not length:
                index += 1
                continue
            start, end = tokens[index].start(), tokens[index + length - 1].end()
            out += [text[done:start], " " if text[start - 1 : start].isdigit() else "", replacement]
            done = end
            index += length
        out.append(text[done:])
        return "".join(out)

    def _longest(
        self, text: str, tokens: list[re.Match[str]], words: list[str], start: int, before: str | None
    ) -> tuple[int, str]:
        """How many words the longest phrase at `start` has, and its replacement.

        `before` is the word before the number in front of `start`; None: there is no number.
        """
        node, found = self._root, (0, "")
        for index in range(start, len(words)):
            if index > start and not _joined(text, tokens[index - 1].end(), tokens[index].start()):
                break
            following = node.next.get(words[index])
            if following is None:
                break
            node = following
            if node.replacement and self._allowed(node, before, words):
                found = (index - start + 1, node.replacement)
        return found

    @staticmethod
    def _allowed(node: _Node, before: str | None, words: list[str]) -> bool:
        if before is None:
            return not node.needs_number
        return before not in node.not_after and not (
            node.not_in and any(word.startswith(node.not_in) for word in words)
        )

    @staticmethod
    def _touches(text: str, tokens: list[re.Match[str]], index: int) -> bool:
        return index > 0 and _joined(text, tokens[index - 1].end(), tokens[index].start())

    def _add(self, phrases: Iterable[str], leaf: _Node) -> None:
        for phrase in phrases:
            node = self._root
            for word in phrase.lower().replace("ё", "е").split():
                node = node.next.setdefault(word, _Node())
            if not node.replacement:
                node.replacement, node.needs_number = leaf.replacement, leaf.needs_number
                node.not_after, node.not_in = leaf.not_after, leaf.not_in

    def _add_slips(self, slips: dict[str, Any]) -> None:
        for section, needs_number in (("anywhere", False), ("after_number", True)):
            for replacement, phrases in slips.get(section, {}).items():
                self._add(phrases, _Node(replacement=replacement, needs_number=needs_number))


@cache
def default_normalizer() -> Normalizer:
    """The normaliser with the packaged data only."""
    return Normalizer()


def normalize(text: str) -> str:
    """Normalise with the packaged data: see `Normalizer`."""
    return default_normalizer().normalize(text)


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in NUMBER_WORDS or word in _SAID_BEFORE_UNIT


def _joined(text: str, start: int, end: int) -> bool:
    """Whether only spaces, hyphens and the like stand between two words."""
    match = _JOINT.match(text, start, end)
    return match is not None and match.end() == end


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: список оговорок не читается ({error}); исправьте файл: TOML в UTF-8") from error


def _packaged(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("voxbot.text").joinpath("data", name).read_text(encoding="utf-8"))


def _units() -> Iterator[tuple[_Node, list[str]]]:
    """Each unit and each rate with every way to say it."""
    data = _packaged("units.toml")
    said: dict[str, list[str]] = {}
    for unit in data["unit"]:
        phrases = [form for noun in unit["words"] for form in _declined(noun)]
        phrases += unit.get("say", ())
        if len(unit["symbol"]) > 1 or unit["symbol"].islower():  # «в», «а» after a number are mostly not units
            phrases.append(unit["symbol"])
        if unit.get("letters", True) and len(unit["symbol"]) > 1:
            phrases += _spelled(unit["symbol"])
        said.setdefault(unit["symbol"], []).extend(phrases)
        not_after, not_in = frozenset(unit.get("not_after", ())), tuple(unit.get("not_in", ()))
        yield _Node(replacement=unit["symbol"], not_after=not_after, not_in=not_in), phrases
    for rate in data["rate"]:
        for symbol in rate["of"]:
            phrases = [f"{unit} {per}" for unit in said[symbol] for per in rate["per"]]
            phrases += [f"{unit}{per}" for unit in said[symbol] if " " not in unit for per in rate["written"]]
            yield _Node(replacement=symbol + rate["suffix"]), phrases


def _declined(noun: str) -> Iterator[str]:
    """Every case form; words after the first stay: «оборот в минуту»."""
    word, space, rest = noun.partition(" ")
    if word[-1] in "ьа":
        stem, kind = word[:-1], "soft" if word[-1] == "ь" else "femn"
    else:
        stem, kind = word, "hard"
    prefix = next((prefix for prefix in _PREFIXES if stem.startswith(prefix)), "")
    for ending in _ENDINGS[kind]:
        yield stem + ending + space + rest
        if prefix:
            yield f"{prefix} {stem.removeprefix(prefix)}{ending}{space}{rest}"


def _spelled(symbol: str) -> Iterator[str]:
    """«ка эн», «каэн», «к эн» for кН; one letter of several must be said by its name."""
    names = [_LETTER_NAMES[letter] for letter in symbol.lower()]
    for spelling in itertools.product(*names):
        if any(len(name) > 1 for name in spelling):
            yield " ".join(spelling)
            yield "".join(spelling)
