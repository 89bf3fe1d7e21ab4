"""Telegram's limits: how soon a bot and a chat may send again. Kept in the database, so that processes share them.

A limit is a time up to which its share is used up (the generic cell rate algorithm, ITU-T I.371): a request moves it
on by one gap, and may go when it is less than a burst ahead of now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, select, update

from voxbot.store.notifier_models import BotRow, ChatRow, ChoreRow, MessageRow
from voxbot.store.notifier_sql import greater, insert_into

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from voxbot.store.notifier_messages import Chat

SUPERGROUPS_BELOW = -1_000_000_000_000
"""Ids of supergroups and channels, -100…: each counts its own messages. All other chats of a bot share a count."""
LONGEST_QUEUE_S = 300.0
"""No place in a bot's queue is further ahead: 7,500 chats could wait at once."""
LONGEST_PAUSE_S = 3600.0
"""Telegram's longer pauses are asked for again after this time."""
_TURN_KEPT_S = 2.0
"""A turn that was not used for so long is lost, or all that are would be used at once."""
_UNEVEN = 2
_PROBE_GAP_S = 0.25
_FIRST_PAUSE_S = 1.0
_LAST_PAUSE_S = 60.0
_CHAT_PAUSE_S = 10.0
"""A chat's pause after failures: they may be those of one message, which must not keep the others for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Telegram bears: requests a second of a bot (`bot_burst` of them at once), messages in a chat and in a group.

    A message is a send or an edit of ours; deletions count for the bot alone.
    """

    bot_per_s: float = 30.0
    bot_burst: int = 3
    chat_gap_s: float = 1.0
    chat_burst: int = 3
    group_gap_s: float = 4.0
    group_burst: int = 5

    @property
    def bot_gap_s(self) -> float:
        """Seconds between a bot's requests, such that no second has more than `bot_per_s` with a burst.

        A few less: on their way to Telegram requests come closer to each other.
        """
        return 1.0 / max(1.0, self.bot_per_s - self.bot_burst - _UNEVEN)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing may be sent for so long."""

    seconds: float


def take_turn(connection: Connection, chat: RowMapping, now: float, limits: Limits, *, message: bool) -> Pause | None:
    """Use up a share of the limits of a chat (its locked row) and of its bot; or say how long to wait first.

    A chat that has to wait for its bot keeps its place among the others: it has one at a time, so that the queue is no
    longer than there are chats, and none of them is passed over. `message`: the chat's own limit counts too.
    """
    gap_s, burst = limits.chat_gap_s, limits.chat_burst
    if chat["chat_id"] < 0:
        gap_s, burst = limits.group_gap_s, limits.group_burst
    chat_full_at = _credible(chat["full_at"], now)
    if message and (wait_s := chat_full_at - (burst - 1) * gap_s - now) > 0:
        return Pause(wait_s)
    bot = _bot(connection, chat["bot"])
    if (wait_s := min(bot["paused_until"] - now, LONGEST_PAUSE_S)) > 0:
        return Pause(wait_s)
    turn_at, paid = _turn(connection, chat, bot, now, limits)
    place = (ChatRow.bot == chat["bot"], ChatRow.chat_id == chat["chat_id"])
    if turn_at > now:
        connection.execute(update(ChatRow).where(*place).values(turn_at=turn_at, turn_paid=paid))
        return Pause(turn_at - now)
    used_up = {"full_at": max(chat_full_at, now) + gap_s} if message else {}
    connection.execute(update(ChatRow).where(*place).values(turn_at=None, turn_paid=False, **used_up))
    return None


def _turn(connection: Connection, chat: RowMapping, bot: RowMapping, now: float, limits: Limits) -> tuple[float, bool]:
    """Return when a chat may send, and whether that is certain: a place in the queue becomes a turn when it is reached.

    Who comes late for his place takes a turn all the same; so many come late at once that they must not go at once.
    """
    turn_at, paid = chat["turn_at"], chat["turn_paid"]
    burst_s = limits.bot_burst * limits.bot_gap_s
    set_bot = update(BotRow).where(BotRow.bot == chat["bot"])
    kept_s = _TURN_KEPT_S if paid else LONGEST_QUEUE_S
    if turn_at is None or not now - kept_s <= turn_at <= now + LONGEST_QUEUE_S:
        full_at = max(_credible(bot["full_at"], now), now) + limits.bot_gap_s
        connection.execute(set_bot.values(full_at=full_at))
        turn_at, paid = full_at - burst_s, False
    if turn_at <= now and not paid:
        used_at = max(_credible(bot["used_at"], now), now) + limits.bot_gap_s
        connection.execute(set_bot.values(used_at=used_at))
        turn_at, paid = used_at - burst_s, True
    return turn_at, paid


def take_probe_slot(connection: Connection, bot: str, now: float) -> float:
    """Return when the next probe of a bot may go; the one after it goes later."""
    slot_at = max(_credible(_bot(connection, bot)["probe_at"], now), now)
    connection.execute(update(BotRow).where(BotRow.bot == bot).values(probe_at=slot_at + _PROBE_GAP_S))
    return slot_at


def is_busy(connection: Connection, bot: str, now: float, limits: Limits) -> bool:
    """Tell whether chats wait for their turns of this bot."""
    full_at = _credible(_bot(connection, bot)["full_at"], now)
    return full_at - limits.bot_burst * limits.bot_gap_s > now


def note_failures(connection: Connection, chat: RowMapping, now: float, *, failed: bool) -> None:
    """Leave a chat (its locked row) alone for longer after each failure of its requests, until one gets an answer."""
    place = (ChatRow.bot == chat["bot"], ChatRow.chat_id == chat["chat_id"])
    if failed:
        failures = chat["failures"] + 1
        values = {"failures": failures, "retry_at": now + min(_CHAT_PAUSE_S, backoff_s(failures))}
        connection.execute(update(ChatRow).where(*place).values(**values))
    elif chat["failures"]:
        connection.execute(update(ChatRow).where(*place).values(failures=0, retry_at=0.0))


def backoff_s(attempts: int) -> float:
    """Return the pause after so many failures."""
    return min(_LAST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempts - 1, 10))


def waits_until(chat: RowMapping, now: float) -> float:
    """Return when a chat (its row) may be sent to again, 0 for now: Telegram said so, or its requests fail."""
    until = max(min(chat["paused_until"], now + LONGEST_PAUSE_S), min(chat["retry_at"], now + _CHAT_PAUSE_S))
    return until if until > now else 0.0


def forget_later_times(connection: Connection, now: float) -> None:
    """Forget what lies further ahead than any wait is long: it was noted while the clock was wrong."""
    queued, paused = now + LONGEST_QUEUE_S, now + LONGEST_PAUSE_S
    for table in (ChatRow, BotRow):
        connection.execute(update(table).where(table.full_at > queued).values(full_at=0.0))
        connection.execute(update(table).where(table.paused_until > paused).values(paused_until=0.0))
    connection.execute(update(BotRow).where(BotRow.used_at > queued).values(used_at=0.0))
    connection.execute(update(BotRow).where(BotRow.probe_at > queued).values(probe_at=0.0))
    connection.execute(update(BotRow).where(BotRow.poller_until > queued).values(poller_until=0.0))
    connection.execute(update(ChatRow).where(ChatRow.retry_at > queued).values(retry_at=0.0))
    connection.execute(update(ChatRow).where(ChatRow.lease_until > queued).values(lease_until=0.0, lease_owner=None))
    for table in (MessageRow, ChoreRow):
        connection.execute(update(table).where(table.next_at > queued).values(next_at=now))
    connection.execute(update(ChatRow).where(ChatRow.due_at > now).values(due_at=now))


def pause_chat(connection: Connection, chat: Chat, seconds: float, now: float) -> None:
    """Obey «too many requests» of a chat; of the whole bot when a second chat of it has been told to wait as well."""
    until = now + min(seconds, LONGEST_PAUSE_S)
    others = select(ChatRow.chat_id).where(
        ChatRow.bot == chat.bot, ChatRow.chat_id != chat.chat_id, ChatRow.paused_until > now
    )
    place = (ChatRow.bot == chat.bot, ChatRow.chat_id == chat.chat_id)
    connection.execute(update(ChatRow).where(*place).values(paused_until=until))
    if connection.execute(others.limit(1)).first() is not None:
        pause_bot(connection, chat.bot, seconds, now)


def pause_bot(connection: Connection, bot: str, seconds: float, now: float) -> None:
    """Send nothing from a bot for so long."""
    _bot(connection, bot)
    until = greater(BotRow.paused_until, now + min(seconds, LONGEST_PAUSE_S))
    connection.execute(update(BotRow).where(BotRow.bot == bot).values(paused_until=until))


def id_floor(connection: Connection, chat: RowMapping) -> int:
    """Return an id that is less than that of any message sent from now on to this chat."""
    if chat["chat_id"] < SUPERGROUPS_BELOW:
        return chat["last_id"]
    return max(_bot(connection, chat["bot"])["last_id"], chat["last_id"])


def remember_id(connection: Connection, chat: Chat, message_id: int) -> None:
    """Note the id that Telegram gave a message."""
    place = (ChatRow.bot == chat.bot, ChatRow.chat_id == chat.chat_id)
    later = case((ChatRow.last_id > message_id, ChatRow.last_id), else_=message_id)
    connection.execute(update(ChatRow).where(*place).values(last_id=later))
    if chat.chat_id >= SUPERGROUPS_BELOW:
        later = case((BotRow.last_id > message_id, BotRow.last_id), else_=message_id)
        connection.execute(update(BotRow).where(BotRow.bot == chat.bot).values(last_id=later))


def _credible(at: float, now: float) -> float:
    """A time of the past or of the near future; one further ahead was noted while the clock was wrong."""
    return at if at <= now + LONGEST_QUEUE_S else now


def _bot(connection: Connection, bot: str) -> RowMapping:
    query = select(BotRow).where(BotRow.bot == bot).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        connection.execute(insert_into(connection, BotRow).values(bot=bot).on_conflict_do_nothing())
        row = connection.execute(query).mappings().one()
    return row
