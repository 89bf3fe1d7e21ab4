"""A posted event on its way to the disk: read, checked, stored, answered. Nothing else happens before the answer.

Hosts post from one queue with a timeout of 3 s and do not repeat: what is slow here loses events there.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import structlog

from voxbot.domain.errors import EventError, StoreError
from voxbot.notifier.event_writer import EventWriter
from voxbot.notifier.events import digest, parse_event
from voxbot.store.notifier_events import UNKNOWN, NewEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.notifier.directory import Directory
    from voxbot.notifier.metrics import NotifierMetrics
    from voxbot.notifier.trace_log import TraceLog
    from voxbot.store.notifier_database import NotifierDatabase

log = structlog.get_logger(__name__)

Outcome = Literal["ok", "duplicate", "ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakePorts:
    """What an intake works with. `stored` is told of each new event; it must not block."""

    database: NotifierDatabase
    directory: Directory
    trace: TraceLog
    metrics: NotifierMetrics
    stored: Callable[[], None]


class Intake:
    """Takes posted events."""

    def __init__(self, ports: IntakePorts, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._ports = ports
        self._writer = EventWriter(ports.database)
        self._clock = clock

    async def take(self, path: str, posted: bytes, token: str = "") -> Outcome:
        """Store an event; when this returns it is on disk. `token`: the header's, for a body without one.

        "duplicate": it was there already. "ignored": nobody has its token; it is kept and traced, no more. Raises
        EventError for a malformed one, StoreError.
        """
        began = time.perf_counter()
        result = "failed"
        try:
            outcome = await self._take(path, posted, token)
            result = outcome
        except EventError as error:
            result = "bad"
            log.warning("Событие отклонено", path=path, field=error.field, reason=error.reason)
            raise
        except StoreError as error:
            log.error("Событие не сохранено", path=path, error=str(error))
            raise
        finally:
            self._ports.metrics.event(path, result, time.perf_counter() - began)
        return outcome

    async def _take(self, path: str, posted: bytes, token: str) -> Outcome:
        body = read_body(posted, token)
        event = parse_event(path, body)
        enterprise = await self._ports.directory.by_token(event.token)
        new = NewEvent(
            enterprise=enterprise.number if enterprise else UNKNOWN,
            token=event.token,
            path=path,
            unique_id=event.unique_id,
            received_at=self._clock(),
            body=_write(body),
            digest=digest(path, body),
        )
        is_new = await self._writer.add(new)
        self._ports.trace.event(new.enterprise, path, new.unique_id, new.body, new.received_at)
        if enterprise is None:
            return "ignored"
        if not is_new:
            return "duplicate"
        self._ports.stored()
        return "ok"


def read_body(posted: bytes, token: str) -> dict[str, Any]:
    """Read a posted JSON object; `token`, the header's, is put into one without. Raises EventError."""
    try:
        body = json.loads(posted.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError:
        raise EventError("", "нужна кодировка UTF-8") from None
    except (ValueError, RecursionError):
        raise EventError("", "не разобрано как JSON") from None
    if not isinstance(body, dict):
        raise EventError("", "нужен объект JSON")
    read = cast("dict[str, Any]", body)
    if token and not read.get("Token"):
        return {**read, "Token": token}
    return read


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _no_number(text: str) -> float:
    """Python reads and writes NaN and Infinity, which are no JSON: whoever asks for the call could not be answered."""
    raise EventError("", f"{text[:20]} не число JSON")


def _write(body: dict[str, Any]) -> str:
    """Write JSON that every database holds: half of a surrogate pair becomes a question mark."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()
