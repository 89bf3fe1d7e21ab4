"""Folding: each event finds its call, and calls say what their chats should show. Plain functions of a transaction.

The calls of an enterprise are folded by one transaction at a time. What a call is follows from the set of its events
(notifier/calls.py) and of its legs (notifier/links.py), so the order of folding does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import VoxbotError
from voxbot.notifier.calls import CallRules, Stage, view
from voxbot.notifier.events import Hangup
from voxbot.notifier.families import is_internal_call, may_be_parent, parent_of
from voxbot.notifier.links import is_still, keys, numbers
from voxbot.notifier.memory import Memory
from voxbot.notifier.messages import Names
from voxbot.notifier.numbering import made_at
from voxbot.notifier.parts import Role
from voxbot.notifier.phones import Masking
from voxbot.store import notifier_calls as calls
from voxbot.store import notifier_events as posted
from voxbot.store.notifier_facts import facts, known_names
from voxbot.store.notifier_messages import Chat, Wish, merge_messages, put_wish
from voxbot.store.notifier_registry import enterprise_by_number, list_subscribers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from voxbot.notifier.calls import CallView
    from voxbot.notifier.messages import Texts
    from voxbot.notifier.parts import Part
    from voxbot.store.notifier_calls import KnownCall
    from voxbot.store.notifier_database import Transaction
    from voxbot.store.notifier_events import PostedEvent
    from voxbot.store.notifier_facts import FactKind

_DEEPEST_LEG = 5
_OWN_NAMES_S = 30.0
_CHATS_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOptions:
    """How calls are folded and shown.

    `superuser_id`: a chat that every bot writes to.
    `details_url` (enterprise, unique id, first arrival in seconds since the epoch) links to a call's page; equal
    arguments must give an equal address, or messages would be edited for nothing. It is called in another thread.
    """

    rules: CallRules = field(default_factory=CallRules)
    superuser_id: int | None = None
    masking: Masking = Masking.NONE
    details_url: Callable[[str, str, float], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """How many events were folded, and whether any chat should show something new."""

    events: int
    wished: bool


class Gathering:
    """Gathers the events of calls, and says what chats should show of them."""

    def __init__(self, texts: Texts, options: FoldOptions) -> None:
        self._texts = texts
        self._options = options
        self._memory = Memory()
        self._chats: dict[str, tuple[float, frozenset[Chat]]] = {}
        self._own: dict[str, tuple[float, dict[FactKind, dict[str, str]]]] = {}

    def fold(self, tx: Transaction, enterprise: str, limit: int, now: float) -> Folded:
        """Fold an enterprise's next events."""
        self._memory.trim()
        calls.lock_enterprise(tx, enterprise)
        waiting = posted.unfolded_events(tx, enterprise, limit)
        arrived: dict[int, float] = {}
        bereft: set[int] = set()
        for event in waiting:
            self._place(tx, event, arrived, bereft, now)
        wished = self._look(tx, enterprise, arrived.keys() | bereft, arrived, now) if arrived else False
        return Folded(len(waiting), wished)

    def look_again(self, tx: Transaction, enterprise: str, call_ids: Iterable[int], now: float) -> bool:
        """Look at calls that time or a new name has changed; return whether any chat should show something new."""
        self._memory.trim()
        calls.lock_enterprise(tx, enterprise)
        return self._look(tx, enterprise, set(call_ids), {}, now)

    def _place(
        self, tx: Transaction, event: PostedEvent, arrived: dict[int, float], bereft: set[int], now: float
    ) -> None:
        """Find the event's call, or begin one; note in `arrived` when its last event came, in `bereft` who lost a leg.

        What turns out to be of the event's call may have been shown as a leg of another one until now.
        """
        try:
            stored = self._memory.parsed(event)
        except (VoxbotError, ValueError) as error:  # written by a version that understood it
            log.error("Событие не разобрано", event=event.id, path=event.path, reason=str(error))
            posted.mark_folded(tx, event.id, None)
            return
        own = [(key.kind, key.value) for key in keys(stored.event)]
        if not own:
            posted.mark_folded(tx, event.id, None)
            return
        known = calls.read_calls(tx, calls.calls_of_keys(tx, event.enterprise, own))
        found = {call.id for call in known.values() if is_still(stored, call.first_at, call.last_at)}
        calls.drop_links(tx, event.enterprise, own, known.keys() - found)
        call_id = min(found) if found else calls.add_call(tx, event.enterprise, event.received_at)
        others = found - {call_id}
        if others:
            bereft |= {parent for other in others if (parent := known[other].parent_id) is not None}
            merge_messages(tx, call_id, others, now)
            calls.absorb(tx, call_id, others)
            for other in others & arrived.keys():
                arrived[call_id] = max(arrived.pop(other), arrived.get(call_id, 0.0))
        calls.add_links(tx, event.enterprise, own, call_id)
        calls.add_numbers(tx, event.enterprise, numbers(stored.event), call_id, event.received_at)
        calls.touch_call(tx, call_id, event.received_at)
        posted.mark_folded(tx, event.id, call_id)
        arrived[call_id] = max(event.received_at, arrived.get(call_id, 0.0))

    def _look(
        self, tx: Transaction, enterprise: str, changed: Collection[int], arrived: dict[int, float], now: float
    ) -> bool:
        """Find families anew around the changed calls, and say what the chats of those concerned should show."""
        about = _Around(tx, enterprise, self._chats_of(tx, enterprise, now), now, arrived)
        wished = False
        for call in self._regroup(tx, changed, now):
            wished |= self._show_leg(about, call) if call.parent_id is not None else self._show(about, call)
        return wished

    def _regroup(self, tx: Transaction, changed: Collection[int], now: float) -> list[KnownCall]:
        """Tell which calls around the changed ones are legs, and of which; return all that must be shown anew."""
        known, parts = self._memory.parts(tx, set(changed) | calls.calls_near(tx, changed, now))
        judged = {leg for leg in known if leg in changed or self._may_be_affected(known, parts, leg, changed)}
        legs = {leg for leg in judged if parts[leg].role is not Role.CALL}
        beyond = calls.calls_near(tx, legs - set(changed), now)
        beyond |= {parent for leg in legs if (parent := known[leg].parent_id) is not None}
        farther = self._memory.parts(tx, beyond - known.keys())
        known |= farther[0]
        candidates = {str(call_id): part for call_id, part in (parts | farther[1]).items()}
        concerned = set(changed) & known.keys()
        for call_id in judged:
            found = parent_of(parts[call_id], candidates)
            old, new = known[call_id].parent_id, int(found) if found else None
            if old != new:
                calls.set_parent(tx, call_id, new)
                known[call_id] = replace(known[call_id], parent_id=new)
                concerned |= {call_id, *(parent for parent in (old, new) if parent is not None)}
        known |= calls.read_calls(tx, concerned - known.keys())
        for parent_id in [known[call_id].parent_id for call_id in concerned & known.keys()]:
            if parent_id is not None:
                concerned.add(_root(tx, parent_id))
        known |= calls.read_calls(tx, concerned - known.keys())
        return [known[call_id] for call_id in concerned if call_id in known]

    def _may_be_affected(
        self, known: dict[int, KnownCall], parts: dict[int, Part], leg: int, changed: Collection[int]
    ) -> bool:
        """Whether a call near the changed ones may be a leg of other ones than before."""
        part = parts[leg]
        if part.role is Role.CALL:
            return False
        if is_internal_call(part) or known[leg].parent_id in changed:
            return True
        return any(may_be_parent(parts[call_id], part) for call_id in changed if call_id in parts)

    def _show_leg(self, about: _Around, call: KnownCall) -> bool:
        """A leg has no message of its own."""
        calls.set_state(about.tx, call, main_id=call.main_id, closed=call.closed, due_at=None)
        return put_wish(about.tx, call.id, about.enterprise, Wish(), (), now=about.now, event_at=about.now)

    def _show(self, about: _Around, call: KnownCall) -> bool:
        legs = calls.legs_of(about.tx, call.id)
        family = {call.id, *legs}
        events = [event for members in self._memory.members(about.tx, family).values() for event in members]
        if not events:
            return False
        lag_s = _usual_lag_s(about.tx, call) if all(isinstance(event.event, Hangup) for event in events) else None
        shown = view(events, self._options.rules, now=about.now, usual_lag_s=lag_s)
        closed = shown.stage is Stage.HANGUP
        due_at = shown.due_at if shown.due_at is None else max(shown.due_at, about.now + 0.05)
        calls.set_state(about.tx, call, main_id=shown.main_id, closed=closed, due_at=due_at)
        for leg in legs.values():
            calls.set_state(about.tx, leg, main_id=leg.main_id, closed=closed, due_at=None)
        message = None
        if shown.shown:
            names = self._names(about, call, shown, family)
            message = self._texts.render(shown, names, enterprise=about.enterprise, masking=self._options.masking)
        wish = Wish(stage=message.stage.value, moment=message.moment, text=message.text) if message else Wish()
        event_at = max((about.arrived[member] for member in family if member in about.arrived), default=about.now)
        recipients = about.chats if about.is_news(call, family) else ()
        return put_wish(about.tx, call.id, about.enterprise, wish, recipients, now=about.now, event_at=event_at)

    def _names(self, about: _Around, call: KnownCall, shown: CallView, family: Collection[int]) -> Names:
        final = shown.stage is Stage.HANGUP
        channels = calls.channels_of(about.tx, family) if final and shown.success else []
        wanted = {*shown.people, *channels, *(key for key in (shown.customer, shown.line) if key)}
        known = facts(about.tx, about.enterprise, wanted)
        own = self._own_names(about.tx, about.enterprise, about.now)
        details_url = None
        if final and self._options.details_url is not None:
            details_url = self._options.details_url(about.enterprise, shown.main_id, call.first_at)
        return Names(
            managers={**own["manager"], **known["manager"]},
            lines={**own["line"], **known["line"]},
            customer=known["customer"].get(shown.customer or ""),
            recording_url=next(
                (known["recording"][uid] for uid in sorted(channels) if uid in known["recording"]), None
            ),
            details_url=details_url,
        )

    def _own_names(self, tx: Transaction, enterprise: str, now: float) -> dict[FactKind, dict[str, str]]:
        """Names in the operator's own tables, as they were some seconds ago."""
        read_at, names = self._own.get(enterprise, (float("-inf"), {}))
        if now - read_at > _OWN_NAMES_S:
            names = known_names(tx, enterprise)
            self._own[enterprise] = (now, names)
        return names

    def _chats_of(self, tx: Transaction, enterprise: str, now: float) -> frozenset[Chat]:
        """Who gets an enterprise's calls, as it was a moment ago."""
        read_at, chats = self._chats.get(enterprise, (float("-inf"), frozenset[Chat]()))
        if now - read_at > _CHATS_S:
            owner = enterprise_by_number(tx, enterprise)
            chats = frozenset[Chat]()
            if owner is not None and owner.bot:
                ids = {subscriber.tg_id for subscriber in list_subscribers(tx, owner.bot_token)}
                ids |= {self._options.superuser_id} if self._options.superuser_id else set()
                chats = frozenset(Chat(owner.bot, chat_id) for chat_id in ids)
            self._chats[enterprise] = (now, chats)
        return chats


@dataclass(frozen=True, slots=True)
class _Around:
    """The transaction of a look at calls. `chats` get them; `arrived`: when the last new event of a call came."""

    tx: Transaction
    enterprise: str
    chats: frozenset[Chat]
    now: float
    arrived: dict[int, float]

    def is_news(self, call: KnownCall, family: Collection[int]) -> bool:
        """Whether chats that know nothing of a call should hear of it: not of one that was over already."""
        return not call.closed or any(member in self.arrived for member in family)


def _usual_lag_s(tx: Transaction, call: KnownCall) -> float | None:
    """How long after the making of their channels, by the host's clock, the enterprise's calls were heard of lately.

    The least tells: calls may ring or talk before their first event. A lone hangup has nothing else to be late against.
    """
    before = calls.calls_before(tx, call)
    return min((at - made for main_id, at in before if (made := made_at(main_id)) is not None), default=None)


def _root(tx: Transaction, call_id: int) -> int:
    for _ in range(_DEEPEST_LEG):
        call = calls.read_calls(tx, [call_id]).get(call_id)
        if call is None or call.parent_id is None:
            break
        call_id = call.parent_id
    return call_id
