"""Looking for messages that were sent though nobody said so: their ids lie above the last one known before.

The functions are work for NotifierDatabase.write. `now` is seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from voxbot.store.notifier_limits import SUPERGROUPS_BELOW, take_probe_slot
from voxbot.store.notifier_models import ChoreRow, MessageRow
from voxbot.store.notifier_sql import insert_into

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from voxbot.store.notifier_messages import Chat
    from voxbot.store.notifier_operations import Operation

_PROBED_IDS = 100
"""How many ids after a doubtful send are looked at: its twin has one of the first."""


def add_probe(connection: Connection, row: RowMapping, until_id: int, now: float) -> None:
    """Have the ids above a message's `doubt_floor`, up to `until_id`, looked through for its `doubts` twins.

    Ids that are to be looked through already are not looked through twice.
    """
    first, last = row["doubt_floor"] + 1, min(until_id, row["doubt_floor"] + _PROBED_IDS)
    doubts = max(1, row["doubts"])
    if last < first:
        return
    overlapping = select(ChoreRow.id, ChoreRow.message_id, ChoreRow.until_id, ChoreRow.doubts).where(
        ChoreRow.bot == row["bot"],
        ChoreRow.chat_id == row["chat_id"],
        ChoreRow.kind == "probe",
        ChoreRow.message_id <= last,
        ChoreRow.until_id >= first,
    )
    for other in connection.execute(overlapping).all():
        first, last, doubts = min(first, other.message_id), max(last, other.until_id), doubts + other.doubts
        connection.execute(delete(ChoreRow).where(ChoreRow.id == other.id))
    connection.execute(
        insert_into(connection, ChoreRow).values(
            kind="probe",
            bot=row["bot"],
            chat_id=row["chat_id"],
            enterprise=row["enterprise"],
            call_id=row["call_id"],
            stage=row["wish_stage"],
            message_id=first,
            until_id=last,
            text=row["wish_text"] or row["shown_text"] or "…",
            doubts=doubts,
            next_at=take_probe_slot(connection, row["bot"], now),
            made_at=now,
        )
    )


def unknown_id(connection: Connection, chat: Chat, first: int, last: int) -> int | None:
    """Return the first of these ids that is none of our messages; None: all are."""
    known: set[int | None] = set()
    for table, column in ((MessageRow, MessageRow.shown_id), (ChoreRow, ChoreRow.message_id)):
        found = select(column).where(table.bot == chat.bot, column >= first, column <= last)
        if chat.chat_id < SUPERGROUPS_BELOW:
            found = found.where(table.chat_id == chat.chat_id)
        else:  # one count of ids for all of them; the sum keeps SQLite from reading all messages of the bot
            found = found.where(table.chat_id + 0 >= SUPERGROUPS_BELOW)
        if table is ChoreRow:
            found = found.where(ChoreRow.kind == "delete")
        known |= {*connection.scalars(found)}
    return next((message_id for message_id in range(first, last + 1) if message_id not in known), None)


def go_on_probing(connection: Connection, done: Operation, now: float, *, found: bool) -> None:
    """Go on to the next id after this one, which was a twin or not; end when all twins are found."""
    assert done.message_id is not None
    chore = ChoreRow.id == done.row_id
    if found:
        one_less = update(ChoreRow).where(chore, ChoreRow.message_id <= done.message_id)
        connection.execute(one_less.values(doubts=ChoreRow.doubts - 1))
        connection.execute(delete(ChoreRow).where(chore, ChoreRow.doubts <= 0))
    slot_at = take_probe_slot(connection, done.chat.bot, now)
    connection.execute(
        update(ChoreRow).where(chore).values(message_id=done.message_id + 1, attempts=0, next_at=slot_at)
    )
