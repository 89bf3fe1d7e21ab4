"""Reads scenarios from YAML and checks every word of them.

A slip of the pen is an error with its place, and not a step that is silently left out.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from scenarios.language import (
    CHAR_MS,
    FAULTS,
    NOISES,
    OUTCOMES,
    PHASES,
    Answer,
    Dtmf,
    Echo,
    Engine,
    Event,
    Gap,
    HangsUp,
    Limits,
    LineFaults,
    Noise,
    Operator,
    Pauses,
    Says,
    Scenario,
    ScenarioError,
    Stays,
    Step,
    Waits,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


def scenarios(folder: Path = HERE) -> list[Scenario]:
    """Every scenario of a folder, in order of files. Raises ScenarioError."""
    found = [scenario for file in sorted(folder.glob("*.yaml")) for scenario in read_file(file)]
    titles = [scenario.id for scenario in found]
    if twice := {title for title in titles if titles.count(title) > 1}:
        raise ScenarioError(f"two scenarios have the same title: {', '.join(sorted(twice))}")
    return found


def read_file(file: Path) -> list[Scenario]:
    """The scenarios of one file. Raises ScenarioError."""
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{file.name}: not YAML: {error}") from error
    return [_scenario(document, f"{file.name}, scenario {n}", file) for n, document in enumerate(documents, 1)]


_TOP = ("title", "real", "greeting", "settings", "answers", "engines", "operator", "caller", "expect")


def _scenario(document: Any, place: str, file: Path) -> Scenario:
    found = _mapping(document, _TOP, place)
    title = found.get("title")
    if not isinstance(title, str) or not title:
        raise ScenarioError(f"{place}: `title` is missing")
    place = f"{file.name}, «{title}»"
    if not found.get("caller"):
        raise ScenarioError(f"{place}: `caller` is missing: what does the caller do?")
    engines = _mapping(found.get("engines") or {}, ("asr", "tts"), f"{place}, engines")
    expected = dict(_mapping(found.get("expect") or {}, (*_names(Limits), "events"), f"{place}, expect"))
    events = expected.pop("events", None)
    return Scenario(
        file=file,
        title=title,
        real=bool(found.get("real", False)),
        greeting=found.get("greeting", "Здравствуйте, слушаю вас."),
        settings={name: str(value) for name, value in (found.get("settings") or {}).items()},
        answers={
            question: _answer(said, f"{place}, answer to «{question}»")
            for question, said in (found.get("answers") or {}).items()
        },
        asr=_engine(engines.get("asr"), 200, f"{place}, asr"),
        tts=_engine(engines.get("tts"), 100, f"{place}, tts"),
        operator=_operator(found.get("operator"), f"{place}, operator"),
        caller=tuple(_step(step, f"{place}, step {n}") for n, step in enumerate(found["caller"], 1)),
        limits=Limits(**{name: _tuple(value) for name, value in expected.items()}),
        events=None if events is None else tuple(_event(event, place) for event in events),
    )


def _answer(said: Any, place: str) -> Answer:
    return Answer(said) if isinstance(said, str) else Answer(**_mapping(said, _names(Answer), place))


def _engine(said: Any, delay_ms: int, place: str) -> Engine:
    found = _mapping(said or {}, ("delay_ms", "faults"), place)
    faults = found.get("faults") or {}
    for call, fault in faults.items():
        if not isinstance(call, int) or fault not in FAULTS:
            raise ScenarioError(f"{place}: fault {call}: {fault}; write CALL: FAULT, one of {', '.join(FAULTS)}")
    return Engine(found.get("delay_ms", delay_ms), faults)


def _operator(said: Any, place: str) -> Operator | None:
    if said is None:
        return None
    found = {"outcome": said} if isinstance(said, str) else _mapping(said, _names(Operator), place)
    _one_of(found.get("outcome"), OUTCOMES, place)
    return Operator(**found)


def _event(event: Any, place: str) -> Event:
    if not isinstance(event, dict) or len(event) != 1:
        raise ScenarioError(f"{place}: event {event!r} is not `kind: text`")
    return {str(kind): str(text) for kind, text in event.items()}


# --- steps -------------------------------------------------------------------------------------


def _step(said: Any, place: str) -> Step:
    """One step: a bare word (`waits`) or a mapping that begins with it (`says: …`)."""
    found = {said: None} if isinstance(said, str) else said
    if not isinstance(found, dict) or not found:
        raise ScenarioError(f"{place}: {said!r} is no step")
    verb, value = next(iter(found.items()))
    if verb not in _READERS:
        raise ScenarioError(f"{place}: unknown step `{verb}`; there are {', '.join(_READERS)}")
    more = {name: item for name, item in found.items() if name != verb}
    allowed, reader = _READERS[verb]
    return reader(verb, value, _mapping(more, allowed, place), place)


def _speech(verb: str, value: Any, more: dict[str, Any], place: str) -> Says:
    after_ms = more.get("after_ms", None if verb == "says" else 1000)
    return Says(verb, _pieces(value, more.get("ms"), more.get("wav"), place), after_ms)


def _noise(_verb: str, value: Any, more: dict[str, Any], place: str) -> Noise:
    kind, ms = _one_of(value, NOISES, place), int(_needed(more, "ms", place))
    return Noise(kind, ms, more.get("after_ms"), bool(more.get("background", False)))


def _hang_up(_verb: str, value: Any, more: dict[str, Any], place: str) -> HangsUp:
    return HangsUp(_one_of(value, PHASES, place) if value else "", more.get("after_ms"))


def _line_faults(_verb: str, value: Any, _more: dict[str, Any], place: str) -> LineFaults:
    return LineFaults(**_mapping(value or {}, _names(LineFaults), place))


_READERS: dict[str, tuple[tuple[str, ...], Callable[[str, Any, dict[str, Any], str], Step]]] = {
    "says": (("ms", "wav", "after_ms"), _speech),
    "interrupts": (("ms", "wav", "after_ms"), _speech),
    "murmurs": (("ms", "wav", "after_ms"), _speech),
    "noise": (("ms", "after_ms", "background"), _noise),
    "coughs": (("after_ms",), lambda _, ms, more, __: Noise("cough", int(ms or 180), more.get("after_ms", 1000))),
    "dtmf": (("after_ms",), lambda _, digits, more, __: Dtmf(str(digits), more.get("after_ms"))),
    "waits": ((), lambda _, ms, *__: Waits() if ms is None else Waits(int(ms))),
    "pauses": ((), lambda _, ms, *__: Pauses(int(ms))),
    "stays": ((), lambda _, ms, *__: Stays(int(ms or 120_000))),
    "echo": (("delay_ms",), lambda _, gain, more, __: Echo(float(gain), **more)),
    "hangs_up": (("after_ms",), _hang_up),
    "line": ((), _line_faults),
}


def _pieces(said: Any, ms: int | None, wav: Any, place: str) -> tuple[Words | Gap, ...]:
    """`words`, or a list of words and `{pause: ms}`; `ms` is their length without pauses, shared by letters."""
    items = said if isinstance(said, list) else [said]
    wavs = iter(wav if isinstance(wav, list) else [wav] if wav else [])
    chars = sum(len(item) for item in items if isinstance(item, str))
    char_ms = ms / chars if ms else CHAR_MS
    pieces: list[Words | Gap] = []
    for item in items:
        if isinstance(item, dict):
            pieces.append(Gap(int(_needed(_mapping(item, ("pause",), place), "pause", place))))
        elif isinstance(item, str) and item.strip():
            pieces.append(Words(item, round(len(item) * char_ms), next(wavs, "")))
        else:
            raise ScenarioError(f"{place}: {item!r} is neither words nor {{pause: ms}}")
    return tuple(pieces)


# --- checks ------------------------------------------------------------------------------------


def _mapping(found: Any, allowed: tuple[str, ...], place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ScenarioError(f"{place}: expected names and values, found {found!r}")
    if unknown := [str(name) for name in found if name not in allowed]:
        raise ScenarioError(f"{place}: unknown `{'`, `'.join(unknown)}`; there are {', '.join(allowed)}")
    return found


def _needed(found: dict[str, Any], name: str, place: str) -> Any:
    if name not in found:
        raise ScenarioError(f"{place}: `{name}` is missing")
    return found[name]


def _one_of(value: Any, allowed: tuple[str, ...], place: str) -> str:
    if value not in allowed:
        raise ScenarioError(f"{place}: {value!r} is none of {', '.join(allowed)}")
    return value


def _names(kind: type) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
