"""Every way to say or to type a unit of measure, made from `data/units.toml`."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANYWHERE = None
"""As `Form.alone`: the form means the unit whatever stands before it."""

_Kind: TypeAlias = Literal["word", "plural", "locative", "spelled", "plainly spelled", "short"]

_PREFIXES = ("кило", "мега", "гига", "милли", "микро", "санти", "деци")
_ENDINGS: dict[str, dict[str, _Kind]] = {  # a plural is a form that no singular looks like
    "hard": {
        **dict.fromkeys(("", "а", "у", "ом", "е"), "word"),
        **dict.fromkeys(("ы", "ов", "ам", "ами"), "plural"),
        "ах": "locative",
    },
    "soft": {
        **dict.fromkeys(("ь", "я", "ю", "ем", "е"), "word"),
        **dict.fromkeys(("и", "ей", "ям", "ями"), "plural"),
        "ях": "locative",
    },
    "femn": {
        **dict.fromkeys(("а", "ы", "е", "у", "ой", "ою", ""), "word"),
        **dict.fromkeys(("ам", "ами"), "plural"),
        "ах": "locative",
    },
}
_LETTER_NAMES: dict[str, tuple[str, ...]] = {  # «в» and «с» only by name: as they are, they are prepositions
    "а": ("а",),
    "б": ("бэ", "бе", "б"),
    "в": ("вэ", "ве"),
    "г": ("гэ", "ге", "г"),
    "д": ("дэ", "де", "д"),
    "к": ("ка", "кэ", "к"),
    "м": ("эм", "мэ", "ме", "м"),
    "н": ("эн", "нэ", "ен", "н"),
    "п": ("пэ", "пе", "п"),
    "с": ("эс", "сэ"),
    "т": ("тэ", "те", "т"),
    "ц": ("цэ", "це", "ц"),
}
_TYPED_AS = {  # a Cyrillic letter of a symbol, the Latin letter that means it, and letters that look like it
    "а": "аa", "б": "бb", "в": "вvb", "г": "гg", "д": "дd", "к": "кk", "м": "мm", "н": "нnh", "п": "пpр", "с": "сc",
    "т": "тt",
}  # fmt: skip
_COUNTED = frozenset({"сколько", "несколько", "столько"})
_MEASURED = frozenset({"в"})
_ALONE: dict[str, dict[_Kind, frozenset[str] | None]] = {
    "always": {
        **dict.fromkeys(("word", "plural", "locative", "plainly spelled"), ANYWHERE),
        "spelled": _COUNTED | _MEASURED,
        "short": _COUNTED,
    },
    "plural": {
        **dict.fromkeys(("plural", "locative"), ANYWHERE),
        **dict.fromkeys(("spelled", "plainly spelled"), _COUNTED | _MEASURED),
        **dict.fromkeys(("word", "short"), _COUNTED),
    },
    "measured": {"locative": _MEASURED},
    "never": {},
}
_PLAINLY = 3
"""So many letters, each by its name, are the unit and nothing else: «эм пэ а», but not «ка эн»."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say a unit. See the head of `data/units.toml` for the conditions.

    `phrase` is words with a space between; a single letter after «=» is meant in this case only («=N»).
    Without a number before it the form is the unit only after one of the words `alone`, or `ANYWHERE`.
    """

    phrase: str
    symbol: str
    alone: frozenset[str] | None = frozenset()
    not_after: frozenset[str] = frozenset()
    not_after_clock: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    not_near: tuple[str, ...] = ()


def unit_forms(data: dict[str, Any]) -> Iterator[Form]:
    """Yield every form of the parsed `units.toml`; of two units with one phrase the first is meant."""
    said: dict[str, list[tuple[str, _Kind]]] = {}
    lower = Counter(symbol.lower() for symbol in {unit["symbol"] for unit in data["unit"]})
    for unit in data["unit"]:
        symbol: str = unit["symbol"]
        ways = list(_ways(unit))
        if unit.get("typed", True) and lower[symbol.lower()] == 1:  # «мН» and «МН» differ only in case
            ways += _typed(symbol)
        said.setdefault(symbol, []).extend(ways)
        alone = _ALONE[unit.get("alone", "never")]
        for phrase, kind in ways:
            yield Form(
                phrase,
                symbol,
                alone=alone.get(kind, frozenset()),
                not_after=frozenset(unit.get("not_after", ())),
                not_after_clock=frozenset(unit.get("not_after_clock", ())),
                not_before=frozenset(unit.get("not_before", ())),
                not_near=tuple(unit.get("not_near", ())),
            )
    for rate in data["rate"]:
        for symbol in rate["of"]:
            yield from _rates(rate, symbol, said[symbol])


def _ways(unit: dict[str, Any]) -> Iterator[tuple[str, _Kind]]:
    """Yield what is said for a unit, words first."""
    for noun in unit["words"]:
        yield from _declined(noun)
    for phrase in unit.get("say", ()):
        yield phrase, "short"
    if unit.get("letters", True) and len(unit["symbol"]) > 1:
        yield from _spelled(unit["symbol"].lower())


def _rates(rate: dict[str, Any], symbol: str, said: Iterable[tuple[str, _Kind]]) -> Iterator[Form]:
    """Yield «миллиметров в секунду», «мм в секунду», «мм/сек» and the like for one unit of a rate."""
    canonical = symbol + rate["suffix"]
    for phrase, kind in said:
        alone = ANYWHERE if kind in ("word", "plural", "locative") else _COUNTED | _MEASURED
        for per in rate["per"]:
            yield Form(f"{phrase} {per}", canonical, alone=alone)
        if " " not in phrase:
            for per in rate["written"]:
                yield Form(phrase.lstrip("=") + per, canonical, alone=alone)


def _declined(noun: str) -> Iterator[tuple[str, _Kind]]:
    """Yield every case form: of both parts of «килограмм-сила», of the first word of «оборот в минуту»."""
    head, hyphen, tail = noun.partition("-")
    word, space, rest = head.partition(" ")
    if word[-1] in "ьа":
        stem, kind = word[:-1], "soft" if word[-1] == "ь" else "femn"
    else:
        stem, kind = word, "hard"
    prefix = next((prefix for prefix in _PREFIXES if stem.startswith(prefix)), "")
    tails = [f" {form}" for form, _ in _declined(tail)] if hyphen else [space + rest]
    for (ending, form), after in itertools.product(_ENDINGS[kind].items(), tails):
        yield stem + ending + after, form
        if prefix:
            yield f"{prefix} {stem.removeprefix(prefix)}{ending}{after}", form


def _spelled(symbol: str) -> Iterator[tuple[str, _Kind]]:
    """Yield «ка эн», «каэн», «к эн» for кН, «эм пэа» for МПа: one letter at least is said by its name."""
    for names in itertools.product(*(_LETTER_NAMES[letter] for letter in symbol)):
        named = [len(name) > 1 or name == "а" for name in names]
        if not any(len(name) > 1 for name in names):
            continue
        kind = "plainly spelled" if all(named) and len(names) >= _PLAINLY else "spelled"
        for gaps in itertools.product((" ", ""), repeat=len(names) - 1):
            if all(gap or (named[i] and named[i + 1]) for i, gap in enumerate(gaps)):  # «к»+«эн» is a name, Кэн
                yield "".join(itertools.chain.from_iterable(zip(names, (*gaps, ""), strict=True))), kind


def _typed(symbol: str) -> Iterator[tuple[str, _Kind]]:
    """Yield the symbol itself, then with Latin letters in place of some; a single letter in its own case only."""
    if len(symbol) == 1:
        yield "=" + symbol, "short"
        return
    for letters in itertools.product(*(_TYPED_AS.get(letter, letter) for letter in symbol.lower())):
        yield "".join(letters), "short"
