"""Every statement of the notifier's hot paths finds its rows by an index that leaves few of them.

SQLite's own plan of each statement that a call needs, from its events to its page, is read. An index is named with the
columns it must be searched by: one that is searched by the enterprise alone reads all that the enterprise ever stored.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing

import pytest
from fakes.call_events import sample
from fakes.notifier import Notifier, running, subscribe
from fakes.telegram_server import Fault
from sqlalchemy import event
from sqlalchemy.engine import Engine

from voxbot.store.notifier_delivery import correct_times, drop_leases
from voxbot.store.notifier_details import history_of
from voxbot.store.notifier_events import oldest_unfolded_at, prune
from voxbot.store.notifier_facts import put_fact
from voxbot.store.notifier_operations import backlog

GROWING = ("events", "calls", "links", "numbers", "messages", "operations", "facts")
FEW = {
    "ix_notifier_events_unfolded": "events that wait",
    "ix_notifier_calls_due": "calls that wait",
    "ix_notifier_messages_due": "messages that wait",
    "ix_notifier_messages_intent": "requests under way",
}
"""Partial indexes that hold only what waits: they may be read whole."""
TOO_WIDE = re.compile(
    r"\(enterprise=\?\)$|\(enterprise=\? AND kind=\?\)$|\(bot=\?\)$|\(bot=\? AND chat_id[=>]\?\)$|^\w+$"
)
"""The last: an index without a condition, walked through until a row fits."""


def faults_of(plan):
    """What is wrong with the lines of a plan."""
    for line in plan:
        found = re.match(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?(?:INDEX )?(.*))?", line)
        if found is None:
            continue
        how, table, by = found.groups()
        if not table.startswith("notifier_") or table.removeprefix("notifier_") not in GROWING:
            continue
        if any(index in (by or "") for index in FEW):
            continue
        if how == "SCAN" or TOO_WIDE.search(by or ""):
            yield line


@pytest.fixture
def statements():
    """All that is executed: parameters by statement."""
    seen = {}

    def note(connection, cursor, statement, parameters, context, executemany):
        seen.setdefault(statement, parameters[0] if executemany else parameters)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def live(database, telegram):
    """A call from its events to its page, with a chat that fails, and all that runs beside it."""
    await database.write(subscribe("1000001:AAAAAAAAAAAAAAAAAAAAAAAAA", 100001, 100002))
    notifier = Notifier(database, telegram)
    telegram.fail(Fault(status=504, does=True), method="sendMessage", chat_id=100002)
    telegram.fail(Fault(status=403), method="sendMessage", chat_id=100001)
    now = time.time()
    for name in ("01-incoming-answered", "06-blind-transfer"):
        posts = sample(name)
        async with running(notifier.folder, notifier.delivery):
            for at_s, path, body in posts:
                await notifier.post(path, body, now - posts[-1][0] + at_s)
            await notifier.until_done()
    await database.write(lambda tx: put_fact(tx, "0367", "customer", "375290001001", "Анна", now))
    unique_id = posts[0][2]["UniqueId"]
    for read in (oldest_unfolded_at, lambda tx: backlog(tx, now), lambda tx: history_of(tx, unique_id, "0367")):
        await database.read(read)
    await database.write(lambda tx: prune(tx, now - 1000))
    await database.write(drop_leases)
    await database.write(lambda tx: correct_times(tx, now))


async def test_no_statement_reads_what_it_does_not_need(database, telegram, tmp_path, statements):
    await live(database, telegram)
    wrong = []
    with closing(sqlite3.connect(tmp_path / "db" / "notifier.sqlite")) as reader:
        for statement, parameters in statements.items():
            if statement.split()[0] not in ("SELECT", "UPDATE", "DELETE", "INSERT", "WITH"):
                continue
            plan = [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            wrong += [f"{line}: {' '.join(statement.split())[:300]}" for line in faults_of(plan)]
            if "ORDER BY notifier_messages.wish_at" in statement and any("TEMP B-TREE" in line for line in plan):
                wrong.append(f"sorts: {statement}")
    assert not wrong, "\n".join(wrong)
    assert sum("notifier_links" in statement for statement in statements) >= 4
