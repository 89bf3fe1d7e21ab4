"""Numbers whose noun is written out, and numbers alone: «две машины», «с тремя датчиками», «на втором этаже»."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxbot.text.cases import governor, morphology
from voxbot.text.letters import dictionary
from voxbot.text.numbers import plural_case, read_group, spell_digits
from voxbot.text.ordinals import ordinal
from voxbot.text.quantities import BETWEEN, DASH, SIGNED, distributive, joint, read_list, read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxbot.text.cases import Governor
    from voxbot.text.numbers import Case, Gender

_COUNTED = re.compile(
    rf"(?<![\w.,:/-])(?P<series>(?:{SIGNED}{BETWEEN}){{0,6}})(?:(?P<from>{SIGNED})(?P<dash>{DASH}))?"
    rf"(?P<number>{SIGNED})(?![\w/]|[.,:-]\d|-[^\W\d_])"
)
_ONE_AND_HALF = re.compile(r"(?<![\w.,])1[.,]5 ([а-яё]+)")
_FOLLOWING = re.compile(r" ([а-яё-]+)(?: ([а-яё-]+))?(?: ([а-яё-]+))?")
_MAX_DIGITS = 7
"""A longer number without a noun is a registry number, and is read digit by digit."""
_QUALIFIERS = frozenset({"ADJF", "PRTF"})
_DIRECT: tuple[Case, ...] = ("nomn", "accs")


@dataclass(frozen=True, slots=True)
class _Noun:
    """One way to read the noun after a number."""

    case: Case
    gender: Gender
    plural: bool
    lemma: str


def read_counted(text: str) -> str:
    """Replace integers and decimals that stand before a word or alone; years, dates and «5-го» are not for here."""
    text = _ONE_AND_HALF.sub(lambda match: _one_and_half(match, text), text)
    return _COUNTED.sub(lambda match: _read(match, text), text)


def _one_and_half(match: re.Match[str], text: str) -> str:
    """«до полутора метров» for «до 1,5 метра»: in the oblique cases the noun stands in the plural."""
    ruler = governor(text, match.start())
    nouns = [parse for parse in morphology().parse(match[1]) if {"NOUN", "sing", "gent"} in parse.tag]
    plural = nouns[0].inflect({"plur", ruler.case}) if ruler and nouns and ruler.case not in _DIRECT else None
    return f"полутора {plural.word}" if plural else match.group()


def _read(match: re.Match[str], text: str) -> str:
    number = match["number"]
    ruler = governor(text, match.start())
    nouns = _nouns_after(text, match.end())
    digits = number.lstrip("+−±-")
    if digits.isdigit() and len(digits) > 1 and digits.startswith("0"):
        return match.group()[: -len(digits)] + (read_group(digits) if len(digits) <= _MAX_DIGITS else _dictated(digits))
    if len(digits) > _MAX_DIGITS and digits.isdigit() and not nouns:
        return _dictated(digits)
    value = int(digits.replace(" ", "")) if digits.replace(" ", "").isdigit() else None
    case, gender = _agreed(value, nouns, ruler)
    from_to = match["series"].endswith(" по ") and ruler is not None and ruler.case == "gent"
    place = _place(value, nouns, ruler, case) if value is not None and match["from"] is None else None
    if place is not None:
        first_case: Case = "gent" if from_to else place[0]
        listed = re.sub(r"\d+", lambda m: ordinal(int(m.group()), first_case, place[1]), match["series"])
        return listed + ordinal(value or 0, *place)
    case = case or _alone(ruler, value)
    said = read_list(match["series"], case, gender)
    if from_to and case == "gent" and not nouns:
        case = "accs"
    if match["from"] is None:
        return said + read_number(number, case, gender)
    return said + _range(match, case, gender, ruler, nouns)


def _dictated(digits: str) -> str:
    """«семь семь ноль один, два три четыре пять» for the number of an account."""
    size = 3 if len(digits) % 3 == 0 else 4
    groups = [digits[start : start + size] for start in range(0, len(digits), size)]
    if len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return ", ".join(map(spell_digits, groups))


def _range(match: re.Match[str], case: Case, gender: Gender, ruler: Governor | None, nouns: list[_Noun]) -> str:
    first, second = match["from"], match["number"]
    between = joint(first, second)
    ungoverned = (ruler is None or ruler.is_verb) and case in _DIRECT and not match["series"] and between != "-"
    fits = any(noun.plural and noun.case == "gent" for noun in nouns) or (not nouns and match["dash"].strip() != "-")
    if ungoverned and fits:
        return f"от {read_number(first, 'gent', gender)} до {read_number(second, 'gent', gender)}"
    return f"{read_number(first, case, gender)}{between}{read_number(second, case, gender)}"


def _nouns_after(text: str, end: int) -> list[_Noun]:
    """The readings of the noun after a number; adjectives may stand between, a preposition may not."""
    following = _FOLLOWING.match(text, end)
    for word in following.groups() if following else ():
        if word is None:
            return []
        tags = [parse.tag for parse in morphology().parse(word)]
        if tags[0].POS in {"PREP", "CONJ", "PRCL"}:
            return []
        nouns = list(_as_nouns(word))
        if nouns and tags[0].POS not in _QUALIFIERS:
            return nouns
        if not _QUALIFIERS & {tag.POS for tag in tags}:
            return []
    return []


def _as_nouns(word: str) -> Iterator[_Noun]:
    for parse in morphology().parse(word):
        tag: Any = parse.tag
        if tag.POS != "NOUN" or "Surn" in tag or "Name" in tag:
            continue
        case = {"gen2": "gent", "loc2": "loct", "acc2": "accs"}.get(tag.case, tag.case)
        if case in ("nomn", "gent", "datv", "accs", "ablt", "loct"):
            yield _Noun(case, tag.gender or "masc", tag.number == "plur", parse.normal_form)


def _agreed(value: int | None, nouns: list[_Noun], ruler: Governor | None) -> tuple[Case | None, Gender]:
    """The case that number and noun can only share, and the noun's gender; None when they do not fit together."""
    wanted = ruler.case if ruler else "nomn"
    if ruler and ruler.word == "по":
        wanted = distributive(value)
    fitting: list[tuple[Case, Gender]] = [(case, noun.gender) for noun in nouns for case in _cases_with(value, noun)]
    for choice in (wanted, "nomn"):
        for case, gender in fitting:
            if case == choice:
                return case, gender
    return fitting[0] if fitting else (None, "masc")


def _cases_with(value: int | None, noun: _Noun) -> tuple[Case, ...]:
    """In which cases of the number this form of the noun stands after it."""
    if value is None:
        return ("nomn", "accs", "gent", "datv", "ablt", "loct") if (noun.case, noun.plural) == ("gent", False) else ()
    cases: tuple[Case, ...] = ("nomn", "accs", "gent", "datv", "ablt", "loct")
    return tuple(case for case in cases if plural_case(value, case) == (noun.case, noun.plural))


def _place(value: int, nouns: list[_Noun], ruler: Governor | None, counted: Case | None) -> tuple[Case, Gender] | None:
    """Case and gender of «третий» before «этаж»: a number that names the noun; None when it counts it."""
    names = dictionary("ordinal")
    fitting = [noun for noun in nouns if noun.lemma in names["nouns"].split() and not noun.plural]
    always = any(noun.lemma in names["always"].split() for noun in fitting) and value % 10 == 1
    oblique = ruler is not None and ruler.case not in _DIRECT and counted in _DIRECT
    likely = nouns[0].lemma if nouns else ""
    rare = not any(_cases_with(value, noun) for noun in nouns if noun.lemma == likely)
    if not fitting or not (counted is None or always or oblique or rare):
        return None
    wanted = {"accs": ("loct", "accs"), "gent": ("gent",)}.get(ruler.case if ruler else "", ("nomn",))
    chosen = next((noun for case in wanted for noun in fitting if noun.case == case), fitting[0])
    return chosen.case, chosen.gender


def _alone(ruler: Governor | None, value: int | None) -> Case:
    if ruler is None:
        return "nomn"
    return distributive(value) if ruler.word == "по" else ruler.case
