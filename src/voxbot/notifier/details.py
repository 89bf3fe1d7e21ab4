"""Everything about one call on one timeline: what the exchange said, what Telegram was told, what the bot talked."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

from voxbot.domain.errors import EventError
from voxbot.notifier.calls import view
from voxbot.notifier.events import StoredEvent, parse_event
from voxbot.notifier.phones import Masking
from voxbot.store.notifier_details import history_of
from voxbot.store.times import parse_local
from voxbot.store.transcript import load_turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from voxbot.notifier.calls import CallRules, CallView
    from voxbot.store.call_log import CallRecord
    from voxbot.store.notifier_database import NotifierDatabase
    from voxbot.store.notifier_details import History
    from voxbot.store.notifier_events import PostedEvent
    from voxbot.store.notifier_operations import LoggedOperation
    from voxbot.store.transcript import TranscriptTurn

_NUMBER = re.compile(r"(?<![\w.])\+?(\d{4,5})\d{3,8}(\d\d)(?![\w.])")
"""A telephone number; a unique id has a point."""
_SAME_DIGITS = 7
"""Numbers that end in so many equal digits are one, with whatever prefix each program writes it."""
_OPERATOR_DIGITS = 9
"""The same for a number that may be shown: with the operator's code, lest another one is taken for it."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsPorts:
    """What the details come from. `bot_calls` reads calls of the bot by id and never raises."""

    database: NotifierDatabase
    bot_calls: Callable[[Sequence[str]], Awaitable[Sequence[CallRecord]]]
    rules: CallRules
    masking: Masking = Masking.NONE


class Details:
    """Tells calls."""

    def __init__(self, ports: DetailsPorts, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._ports = ports
        self._clock = clock

    async def of(self, unique_id: str, enterprise: str | None) -> Document | None:
        """Tell the call of a channel as a JSON document, None if there is none. Raises StoreError.

        Keys: enterprise, unique_id (the call's), unique_ids (of all its channels), call (what it came to), timeline
        (by time; `kind` asterisk, telegram or bot).
        """
        history = await self._ports.database.read(lambda connection: history_of(connection, unique_id, enterprise))
        if history is None:
            return None
        shown = view(stored_events(history.events), self._ports.rules, now=self._clock())
        bot_calls = await self._ports.bot_calls(history.unique_ids)
        zone = timezone(timedelta(hours=self._ports.rules.utc_offset_h))
        document = {
            "enterprise": history.enterprise,
            "unique_id": history.main_id or unique_id,
            "unique_ids": list(history.unique_ids),
            "call": _summary(shown),
            "timeline": _timeline(history, [call for call in bot_calls if is_of(call.caller_id, shown)], zone),
        }
        if self._ports.masking is Masking.NONE:
            return document
        own = _own_mobiles(shown) if self._ports.masking is Masking.CUSTOMERS else frozenset[str]()
        return cast("Document", _masked(document, own))


def stored_events(posted: Iterable[PostedEvent]) -> list[StoredEvent]:
    """Read stored events; those that this version cannot read are left out."""
    events: list[StoredEvent] = []
    for item in posted:
        try:
            event = parse_event(item.path, json.loads(item.body))
        except (EventError, ValueError):
            continue
        events.append(StoredEvent(item.id, item.received_at, event))
    return events


def _summary(shown: CallView) -> Document:
    return {
        "direction": shown.direction,
        "stage": shown.stage.value,
        "success": shown.success,
        "customer": shown.customer,
        "caller": shown.caller,
        "callee": shown.callee,
        "rang": list(shown.rang),
        "managers": list(shown.managers),
        "line": shown.line,
        "started_at": shown.started_at.isoformat() if shown.started_at else None,
        "duration_s": shown.duration_s,
        "has_message": shown.shown,
    }


def _timeline(history: History, bot_calls: Sequence[CallRecord], zone: timezone) -> list[Document]:
    entries = [(event.received_at, _asterisk(event)) for event in history.events]
    entries += [(operation.at, _telegram(operation)) for operation in history.operations]
    entries += [entry for call in bot_calls for entry in _bot(call)]
    entries.sort(key=lambda entry: entry[0])
    began = entries[0][0] if entries else 0.0
    return [
        {
            "at": datetime.fromtimestamp(at, zone).isoformat(timespec="milliseconds"),
            "offset_ms": round((at - began) * 1000),
            **entry,
        }
        for at, entry in entries
    ]


def _asterisk(event: PostedEvent) -> Document:
    body: Document = json.loads(event.body)
    body.pop("Token", None)  # who has it may post events
    return {"kind": "asterisk", "event": event.path, "unique_id": event.unique_id, "body": body}


def _telegram(operation: LoggedOperation) -> Document:
    return {
        "kind": "telegram",
        "action": operation.action,
        "chat_id": operation.chat_id,
        "stage": operation.stage,
        "message_id": operation.message_id,
        "result": operation.result,
        "delay_ms": operation.delay_ms,
        "text": operation.text,
    }


def _bot(call: CallRecord) -> Iterator[tuple[float, Document]]:
    for turn in load_turns(call.transcript_json):
        moment = parse_local(str(turn.get("timestamp", call.start_time)))
        if moment is not None:
            yield moment.timestamp(), {"kind": "bot", **_turn(turn)}


def _turn(turn: TranscriptTurn) -> Document:
    return {key: value for key, value in turn.items() if key != "timestamp"}


def is_of(caller: str, shown: CallView) -> bool:
    """Whether the bot's call from `caller` is this one: another host may have had its unique id in the same second."""
    logged = "".join(filter(str.isdigit, caller))
    known = [number for number in (shown.customer, shown.caller, shown.callee) if number and number.isdigit()]
    if not logged or not known:
        return True
    return any(number[-_SAME_DIGITS:] == logged[-_SAME_DIGITS:] for number in known)


def _own_mobiles(shown: CallView) -> frozenset[str]:
    """The last digits of the mobiles of managers in this call."""
    return frozenset(
        number[-_OPERATOR_DIGITS:] for number in shown.people if number.isdigit() and number != shown.customer
    )


def _masked(value: object, own: frozenset[str]) -> object:
    """Hide the middle of every number but those that end in one of `own`."""
    if isinstance(value, str):
        return _NUMBER.sub(
            lambda found: found[0] if found[0][-_OPERATOR_DIGITS:] in own else f"{found[1]}…{found[2]}", value
        )
    if isinstance(value, dict):
        return {key: _masked(item, own) for key, item in cast("Document", value).items()}
    if isinstance(value, list):
        return [_masked(item, own) for item in cast("list[object]", value)]
    return value
