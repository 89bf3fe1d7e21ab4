"""Cases for the agent, read from YAML and checked to the last word.

A file is a list of cases. A case is one question, or a dialogue of several:

    - name: price of the РЭМ-100
      q: сколько стоит рэм сто
      must_contain: 2 350 000
      must_not_contain: оператор
      base: general
    - name: and of the next one
      dialogue:
        - q: сколько стоит рэм сто
        - q: а двести
          must_contain: {all: [РЭМ-200], any_of: [3 460 000, три с половиной миллиона]}

`must_contain`: a phrase or a list, all of which must be said; a mapping may also name `any_of`. `known`: true, false
or `maybe` (an honest «не знаю» passes, and so does a right answer). `intent`: operator, goodbye or none. `xfail`: why
the case is known to fail; it then fails nobody. What is not named is not checked. A case must check something.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from voxbot.domain.dialogue import KB_NAMES, Intent
from voxbot.domain.errors import ConfigError
from voxbot.ops.agent_tests.matching import units
from voxbot.ops.agent_tests.places import Place, read_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxbot.domain.dialogue import KbName

DEFAULT_FOLDER = Path("tests/agent/cases")

Known: TypeAlias = Literal[True, False, "maybe"]
WantedIntent: TypeAlias = Intent | Literal["none"]

_OF_CASE = ("name", "xfail")
_OF_TURN = ("q", "must_contain", "must_not_contain", "base", "intent", "known")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what its answer must be; None: not checked."""

    q: str
    contains: tuple[str, ...] = ()
    contains_any: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    base: KbName | None = None
    intent: WantedIntent | None = None
    known: Known | None = None

    @property
    def checked(self) -> bool:
        """Whether anything is asked of the answer."""
        return bool(self.contains or self.contains_any or self.lacks) or not (
            self.base is self.intent is self.known is None
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A dialogue, and where it stands: `line` counts from 1."""

    name: str
    turns: tuple[Turn, ...]
    file: str
    line: int
    xfail: str = ""


def find_files(named: Sequence[Path]) -> list[Path]:
    """Return the files named, those of the folders named, or else those of DEFAULT_FOLDER. Raises ConfigError."""
    found: list[Path] = []
    for path in named or [DEFAULT_FOLDER]:
        if path.is_dir():
            found += sorted((*path.glob("*.yaml"), *path.glob("*.yml")))
        elif named:
            found.append(path)
    if not found:
        where = ", ".join(str(path) for path in named or [DEFAULT_FOLDER])
        raise ConfigError(f"{where}: здесь нет файлов .yaml с проверками; укажите свой: voxbot test-agent ФАЙЛ")
    return found


def read_cases(files: Sequence[Path]) -> list[Case]:
    """Read every case. Raises ConfigError naming the file, the line and what to do."""
    cases: list[Case] = []
    seen: dict[str, Case] = {}
    for file in files:
        for place in read_list(file, "нужен список проверок, каждая начинается с «- name:»"):
            case = _case(place)
            if earlier := seen.get(case.name):
                raise place.wrong(f"имя «{case.name}» уже занято в {earlier.file}:{earlier.line}; дайте другое")
            seen[case.name] = case
            cases.append(case)
    return cases


def _case(place: Place) -> Case:
    is_dialogue = place.fields is not None and "dialogue" in place.fields
    fields = place.mapping("проверка", (*_OF_CASE, "dialogue") if is_dialogue else (*_OF_CASE, *_OF_TURN))
    if "name" not in fields:
        raise place.wrong("у проверки нет имени; добавьте name")
    if is_dialogue:
        turns = tuple(
            _turn(turn, turn.mapping("реплика", _OF_TURN)) for turn in fields["dialogue"].one_or_more("dialogue")
        )
    else:
        turns = (_turn(place, fields),)
    if not any(turn.checked for turn in turns):
        raise place.wrong("проверка ничего не проверяет; добавьте must_contain, known, base или intent")
    xfail = fields["xfail"].text("xfail") if "xfail" in fields else ""
    return Case(fields["name"].text("name"), turns, str(place.file), place.line, xfail)


def _turn(place: Place, fields: Mapping[str, Place]) -> Turn:
    if "q" not in fields:
        raise place.wrong("нет вопроса; добавьте q, а для разговора dialogue")
    contains, contains_any = _contains(fields.get("must_contain"))
    return Turn(
        q=fields["q"].text("q"),
        contains=contains,
        contains_any=contains_any,
        lacks=_phrases(fields.get("must_not_contain"), "must_not_contain"),
        base=_one_of(fields.get("base"), "base", KB_NAMES),
        intent=_one_of(fields.get("intent"), "intent", (*get_args(Intent), "none")),
        known=_one_of(fields.get("known"), "known", (True, False, "maybe")),
    )


def _contains(place: Place | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if place is None or place.fields is None:
        return _phrases(place, "must_contain"), ()
    fields = place.mapping("must_contain", ("all", "any_of"))
    return _phrases(fields.get("all"), "all"), _phrases(fields.get("any_of"), "any_of")


def _phrases(place: Place | None, what: str) -> tuple[str, ...]:
    if place is None:
        return ()
    phrases: list[str] = []
    for item in place.one_or_more(what):
        phrase = item.text(what)
        if not units(phrase):
            raise item.wrong(f"{what}: в «{phrase}» нет ни слова, ни числа, искать нечего")
        phrases.append(phrase)
    return tuple(phrases)


def _one_of(place: Place | None, name: str, allowed: Sequence[Any]) -> Any:
    if place is None:
        return None
    if place.scalar not in allowed:
        raise place.wrong(f"{name}: возможны только {', '.join(str(value).lower() for value in allowed)}")
    return place.scalar
