"""Which calls are wanted, in which order, and the SQL that finds their keys.

Calls come by their key (store/keys.py), which the full-text tables have as their row id: SQLite then walks from the
newest match on and stops after one page, however many calls match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import text

from voxbot.store.keys import key_from
from voxbot.store.words import begun_word, folded, match_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

SortColumn: TypeAlias = Literal["key", "duration_s", "caller"]

_TRIGRAM = 3
_PART_OF_ID_CHARS = 4
"""Ids of phone calls begin with the second: shorter parts would find them all."""
_NUMBER = re.compile(r"[+\d][\d\s().-]*")
_NUMBER_DIGITS = 5
_RUSSIAN_DIGITS = 11
_COMPLETIONS = text(
    "SELECT word FROM search_words WHERE word > :word AND word < :end ORDER BY length(word), word LIMIT 30"
)


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted; what is None or empty does not limit."""

    q: str | None = None
    """Words that were said, in any form; part of the caller's number; part of the call's id, if it has digits."""
    start_from: datetime | None = None
    """Local time without a zone; calls that began then or later."""
    start_before: datetime | None = None
    """Local time without a zone; calls that began earlier."""
    status: str | None = None
    statuses: tuple[str, ...] = ()
    """Any of these; letter case does not matter in either."""
    kb: Literal["general", "tech", "none"] | None = None
    """Calls with an answer from this base, or with none from any."""
    caller: str | None = None
    """The whole number."""
    unanswered: bool = False
    """Only calls in which the bot did not know something."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """How calls are ordered; those of equal value by their start, the same way round."""

    column: SortColumn = "key"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the last call's value of the ordering column and its key."""

    value: Any
    key: int


NEWEST_FIRST = CallOrder()


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with its parameters."""

    sql: str
    values: dict[str, Any]


def keys_query(
    wanted: CallFilter,
    order: CallOrder,
    limit: int,
    *,
    offset: int = 0,
    after: Place | None = None,
    begun: Sequence[str] = (),
) -> Query:
    """Return what gives the keys of one page in order. `begun`: words that the last one of `q` may be begun of."""
    conditions, values = _conditions(wanted)
    values |= {"limit": limit, "offset": offset, "top": limit + offset}
    way, sign = ("DESC", "<") if order.descending else ("ASC", ">")
    if after and order.column == "key":
        conditions.append(f"f.key {sign} :after_key")
        values["after_key"] = after.key
    elif after:
        conditions.append(f"(f.{order.column}, f.key) {sign} (:after, :after_key)")
        values |= {"after": after.value, "after_key": after.key}
    page = f"ORDER BY key {way} LIMIT :limit OFFSET :offset"
    if order.column != "key":
        page = f"ORDER BY f.{order.column} {way}, f.key {way} LIMIT :limit OFFSET :offset"
    if wanted.q:
        branches = _found(wanted.q, conditions, values, begun, way if order.column == "key" else None)
        return Query(f"SELECT f.key FROM call_facts f WHERE f.key IN ({' UNION '.join(branches)}) {page}", values)
    choices = _choices(wanted, values)
    if len(choices) > 1 and order.column == "key":
        # One walk through the index for each value, each stopping after a page: SQLite itself would sort all matches.
        limited = f"ORDER BY f.key {way} LIMIT :top"
        branches = [f"SELECT key FROM ({_select([choice, *conditions])} {limited})" for choice in choices]
        return Query(f"SELECT key FROM ({' UNION ALL '.join(branches)}) {page}", values)
    if choices:
        conditions.append(f"({' OR '.join(choices)})")
    return Query(f"{_select(conditions)} {page}", values)


def _select(conditions: Sequence[str]) -> str:
    return f"SELECT f.key FROM call_facts f WHERE {' AND '.join(conditions) or '1'}"


def _conditions(wanted: CallFilter) -> tuple[list[str], dict[str, Any]]:
    """Give the conditions that all must hold, but for those of `_choices` when there is nothing to search."""
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if wanted.start_from is not None:
        conditions.append("f.key >= :key_from")
        values["key_from"] = key_from(wanted.start_from)
    if wanted.start_before is not None:
        conditions.append("f.key < :key_before")
        values["key_before"] = key_from(wanted.start_before)
    if wanted.caller:
        conditions.append("f.caller = :caller")
        values["caller"] = wanted.caller
    if wanted.unanswered:
        conditions.append("f.unanswered > 0")
    if wanted.kb and (wanted.status or wanted.statuses or wanted.q):
        # The + keeps SQLite from walking the index of the bases, whose values are too common to help.
        conditions.append("+f.kb = :kb" if wanted.kb == "none" else "+f.kb IN (:kb, 'both')")
        values["kb"] = wanted.kb
    if wanted.q and (choices := _choices(wanted, values)):
        conditions.append(f"({' OR '.join(choices)})")
    return conditions, values


def _choices(wanted: CallFilter, values: dict[str, Any]) -> list[str]:
    """Give the conditions one of which must hold: a status each, or a base each if no status is asked for."""
    statuses = dict.fromkeys((*wanted.statuses, *((wanted.status,) if wanted.status else ())))
    if statuses:
        names = {f"status_{number}": status for number, status in enumerate(statuses)}
        values |= names
        return [f"f.status = :{name}" for name in names]
    if not wanted.kb or wanted.q:
        return []
    values["kb"] = wanted.kb
    return ["f.kb = :kb"] if wanted.kb == "none" else ["f.kb = :kb", "f.kb = 'both'"]


def _found(
    q: str, conditions: Sequence[str], values: dict[str, Any], begun: Sequence[str], way: str | None
) -> list[str]:
    """Give the selects of keys that `q` finds. With `way` each gives only as many as one page may need."""
    limited = f"ORDER BY found.rowid {way} LIMIT :top" if way else ""
    selects = [_select(["f.call_id = :call_id", *conditions])]
    # Limits of the key must be said of the full-text table, which then walks only those rows.
    where = " AND ".join(condition.replace("f.key ", "found.rowid ") for condition in conditions) or "1"
    # CROSS JOIN is SQLite's way to say which table is walked: the full-text one, from its newest match on.
    tables = "CROSS JOIN call_facts f ON f.key = found.rowid" if "f." in where else ""
    values["call_id"] = q
    if match := match_of(q, begun):
        values["match"] = match
        selects.append(
            f"SELECT rowid FROM (SELECT found.rowid FROM call_words AS found {tables} "
            f"WHERE found.call_words MATCH :match AND {where} {limited})"
        )
    number = _digits(q) or folded(q)
    if len(number) >= _TRIGRAM and not set("%_") & set(number):
        values["number"] = f"%{number}%"
        selects.append(
            f"SELECT rowid FROM (SELECT found.rowid FROM call_numbers AS found {tables} "
            f"WHERE found.caller LIKE :number AND {where} {limited})"
        )
    elif re.search(r"\d", number):  # too short for trigrams, but nearly every number holds it: a page is soon full
        values["number"] = number
        walked = limited.replace("found.rowid", "found.key")
        selects.append(
            f"SELECT rowid FROM (SELECT found.key AS rowid FROM call_texts AS found {tables} "
            f"WHERE instr(found.caller, :number) AND {where} {walked})"
        )
    part = q.strip()
    if len(part) >= _PART_OF_ID_CHARS and re.search(r"\d", part) and not set("%_") & set(part):
        values["part_of_id"] = f"%{part}%"
        selects.append(
            f"SELECT rowid FROM (SELECT found.rowid FROM call_ids AS found {tables} "
            f"WHERE found.call_id LIKE :part_of_id AND {where} {limited})"
        )
    return selects


def _digits(q: str) -> str:
    """Give the digits of a number as people write it; 8 and +7 begin the same Russian numbers."""
    digits = re.sub(r"\D", "", q)
    if not _NUMBER.fullmatch(q.strip()) or len(digits) < _NUMBER_DIGITS:
        return ""
    return digits[1:] if len(digits) == _RUSSIAN_DIGITS and digits[0] in "78" else digits


async def begun_words(session: AsyncSession, wanted: CallFilter) -> Sequence[str]:
    """Give the words that the last word of the search may be begun of, the shortest ones. Raises StoreError."""
    word = begun_word(wanted.q) if wanted.q else ""
    if not word:
        return ()
    rows = await session.execute(_COMPLETIONS, {"word": word, "end": word + "\U0010ffff"})
    return [row[0] for row in rows]
