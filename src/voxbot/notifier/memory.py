"""What of the events is kept in memory between transactions: they never change once they are stored."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from voxbot.domain.errors import VoxbotError
from voxbot.notifier.events import StoredEvent, parse_event
from voxbot.notifier.parts import summarize
from voxbot.store import notifier_calls as calls
from voxbot.store import notifier_events as posted

if TYPE_CHECKING:
    from collections.abc import Collection

    from voxbot.notifier.parts import Part
    from voxbot.store.notifier_calls import KnownCall
    from voxbot.store.notifier_database import Transaction
    from voxbot.store.notifier_events import PostedEvent

_CACHED_EVENTS = 10_000
_CACHED_PARTS = 2_000


class Memory:
    """Reads calls and their events, parsed and summed up. Another thread may read at the same time."""

    def __init__(self) -> None:
        self._events: dict[int, StoredEvent] = {}
        self._parts: dict[tuple[int, ...], Part] = {}

    def trim(self) -> None:
        """Forget what is remembered when it grows too large. Another thread may still use what it holds."""
        if len(self._events) > _CACHED_EVENTS:
            self._events = {}
        if len(self._parts) > _CACHED_PARTS:
            self._parts = {}

    def parsed(self, event: PostedEvent) -> StoredEvent:
        """Read a stored event. Raises EventError, ValueError for one that was written by another version."""
        stored = StoredEvent(event.id, event.received_at, parse_event(event.path, json.loads(event.body)))
        self._events[event.id] = stored
        return stored

    def members(self, tx: Transaction, call_ids: Collection[int]) -> dict[int, list[StoredEvent]]:
        """Read the events of calls, by call."""
        known = self._events
        places = posted.event_ids_of(tx, call_ids)
        missing = [event_id for _, event_id in places if event_id not in known]
        fresh: dict[int, StoredEvent] = {}
        for event in posted.read_events(tx, missing) if missing else ():
            with contextlib.suppress(VoxbotError, ValueError):  # an earlier version took what this one refuses
                fresh[event.id] = self.parsed(event)
        members: dict[int, list[StoredEvent]] = {}
        for call_id, event_id in places:
            stored = fresh.get(event_id) or known.get(event_id)
            if stored:
                members.setdefault(call_id, []).append(stored)
        return members

    def parts(self, tx: Transaction, call_ids: Collection[int]) -> tuple[dict[int, KnownCall], dict[int, Part]]:
        """Read calls that have events, and sum each up."""
        known = calls.read_calls(tx, call_ids)
        parts = {call_id: self._summary(events) for call_id, events in self.members(tx, known).items()}
        return {call_id: known[call_id] for call_id in parts}, parts

    def _summary(self, events: list[StoredEvent]) -> Part:
        ids = tuple(event.id for event in events)
        part = self._parts.get(ids)
        if part is None:
            part = self._parts[ids] = summarize(events)
        return part
