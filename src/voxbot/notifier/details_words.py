"""What stands on a call's page, in the words of its readers: managers, who know calls but no channels."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, cast

from voxbot.notifier.phones import written

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECOND_MS = 1000
_MINUTE_S = 60
_TAG = re.compile(r"<[^<>]*>?")
"""A tag of a message, or what is left of one that was cut."""
_NOTHING = ("", "<unknown>")
_LINE = re.compile(r"0001\d{3}")
"""A line's id (DOMAIN, section 2), which is nobody's number."""
_ANSWERED = "2"
_OUTGOING = "1"
_EVENTS = {
    "start": ("Звонок пришёл на станцию", "Phone"),
    "dial": ("Станция набирает", "Phone"),
    "bridge": ("В разговор вошёл", "CallerIDNum"),
    "bridge_leave": ("Из разговора вышел", "CallerIDNum"),
    "bridge_create": ("Станция готовит разговор", ""),
    "bridge_destroy": ("В разговоре никого не осталось", ""),
    "new_callerid": ("Канал узнал номер", "CallerIDNum"),
}
"""What events mean, and the field that says of whom."""
_STAGES_OF_A_TURN = {
    "response": "до ответа",
    "endpoint": "пауза",
    "asr": "распознавание",
    "asr_wait": "ожидание слов",
    "embed": "вектор вопроса",
    "search": "поиск",
    "first_token": "первое слово модели",
    "total": "ответ целиком",
    "tts_first_audio": "первый звук",
}
"""Stages of a turn (domain/events.py), the one that callers feel first."""


def event_words(event: str, body: dict[str, Any]) -> str:
    """Say what a posted event means."""
    if event == "hangup":
        return "Трубку положили: " + ("разговор был" if str(body.get("CallStatus")) == _ANSWERED else "без ответа")
    if event == "dial" and str(body.get("CallType")) != _OUTGOING:
        return _joined("Звонят телефоны", _people(body.get("Extensions")))
    words, key = _EVENTS.get(event, (event, ""))
    return _joined(words, _number(body, key))


def fields(body: dict[str, Any]) -> list[tuple[str, str]]:
    """List what an event says, without what it leaves open."""
    said = [(key, _listed(value)) for key, value in body.items()]
    return [(key, words) for key, words in said if words not in _NOTHING]


def stages(ms: dict[str, float] | None) -> list[tuple[str, str]]:
    """List a turn's stages and their times, the one that callers feel first."""
    order = list(_STAGES_OF_A_TURN)
    known = sorted(ms or {}, key=lambda name: order.index(name) if name in order else len(order))
    return [(_STAGES_OF_A_TURN.get(name, name), spent((ms or {})[name])) for name in known]


def spent(ms: float) -> str:
    """Write a time: `420 мс`, `1,2 с`, `3 мин 20 с`."""
    if ms < _SECOND_MS:
        return f"{ms:.0f} мс"
    seconds = ms / _SECOND_MS
    return f"{seconds:.1f} с".replace(".", ",") if seconds < _MINUTE_S else lasted(round(seconds))


def lasted(seconds: int) -> str:
    """Write a length: `34 с`, `3 мин 20 с`."""
    minutes, rest = divmod(seconds, _MINUTE_S)
    return f"{minutes} мин {rest} с" if minutes else f"{rest} с"


def counted(number: int, one: str, few: str, many: str) -> str:
    """Write a number with its noun: `21 событие`, `3 события`, `11 событий`."""
    teen = number // 10 % 10 == 1
    if number % 10 == 1 and not teen:
        return f"{number} {one}"
    return f"{number} {few if number % 10 in (2, 3, 4) and not teen else many}"


def plain(text: str) -> str:
    """Take the words of a message, without its tags."""
    return html.unescape(_TAG.sub("", text))


def _number(body: dict[str, Any], key: str) -> str:
    number = str(body.get(key) or "")
    return "" if number in _NOTHING or _LINE.fullmatch(number) else written(number)


def _people(extensions: object) -> str:
    if not isinstance(extensions, list):
        return ""
    return ", ".join(written(str(number)) for number in cast("Sequence[object]", extensions) if number)


def _joined(words: str, value: str) -> str:
    return f"{words}: {value}" if value else words


def _listed(value: object) -> str:
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
