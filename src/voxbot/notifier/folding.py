"""When events are folded: at once, each enterprise by one worker, and calls again when time alone changes them.

What folding is stands in notifier/gathering.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import StoreError
from voxbot.notifier.gathering import Gathering
from voxbot.store.notifier_calls import clear_due, due_calls, next_due_at
from voxbot.store.notifier_events import leave_out_next, unfolded_enterprises

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from voxbot.notifier.gathering import FoldOptions
    from voxbot.notifier.messages import Texts
    from voxbot.store.notifier_database import NotifierDatabase

_EVENTS_AT_ONCE = 5
"""Few: while they are folded, results of deliveries wait to be written."""
_CALLS_AT_ONCE = 5
"""Few as well: a new name may concern hundreds."""
_LOOK_S = 1.0
"""How often to look for events and due calls that nobody has told of: another process's, or from before a restart."""
_RETRY_S = 1.0

log = structlog.get_logger(__name__)


class Folder:
    """Folds events of all enterprises. `on_wishes` is called in the event loop: chats should show something new."""

    def __init__(
        self, database: NotifierDatabase, texts: Texts, options: FoldOptions, on_wishes: Callable[[], None]
    ) -> None:
        self._database = database
        self._gathering = Gathering(texts, options)
        self._on_wishes = on_wishes
        self._again: set[str] = set()
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._arrived = asyncio.Event()

    def collect(self) -> None:
        """Say that events have been accepted. Never blocks; to be called in the event loop."""
        self._arrived.set()

    def wake(self, enterprise: str) -> None:
        """Say that an event of this enterprise has been stored. Never blocks; to be called in the event loop."""
        if enterprise in self._workers:
            self._again.add(enterprise)
            return
        self._workers[enterprise] = asyncio.create_task(self._work(enterprise))

    async def run(self) -> None:
        """Fold until cancelled; what was stored before is folded first."""
        collecting = asyncio.create_task(self._collect_all())
        try:
            while True:
                try:
                    for enterprise in await self._database.read(unfolded_enterprises):
                        self.wake(enterprise)
                    await self._look_at_due_calls()
                    await asyncio.sleep(await self._idle_s())
                except StoreError as error:
                    log.error("База данных не отвечает, события ждут", reason=str(error))
                    await asyncio.sleep(_RETRY_S)
        finally:
            works = {collecting, *self._workers.values()}
            for work in works:
                work.cancel()
            await asyncio.wait(works)

    async def _collect_all(self) -> None:
        """Take in what has been accepted, each time we are told and at the start."""
        while True:
            self._arrived.clear()
            try:
                while enterprises := await self._database.move():
                    for enterprise in enterprises:
                        self.wake(enterprise)
            except StoreError as error:
                log.error("Принятые события не прочитаны, повторю", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._arrived.wait()

    async def _work(self, enterprise: str) -> None:
        """Fold what is there, and what comes meanwhile."""
        try:
            while True:
                self._again.discard(enterprise)
                folded = await self._fold(enterprise)
                if folded < _EVENTS_AT_ONCE and enterprise not in self._again:
                    return
        except StoreError as error:
            log.error("События не разобраны, повторю", enterprise=enterprise, reason=str(error))
        finally:
            # Nothing is awaited between the last look at `_again` and here.
            del self._workers[enterprise]

    async def _fold(self, enterprise: str) -> int:
        now = time.time()
        fold = self._gathering.fold
        try:
            done = await self._database.write(lambda tx: fold(tx, enterprise, _EVENTS_AT_ONCE, now), urgent=False)
        except StoreError:
            raise
        except Exception:
            log.exception("Сбой при разборе событий, разбираю по одному", enterprise=enterprise)
            return await self._fold_one(enterprise)
        if done.wished:
            self._on_wishes()
        return done.events

    async def _fold_one(self, enterprise: str) -> int:
        """Fold the next event alone; leave it out if it can't be folded, or nothing after it ever would be."""
        now = time.time()
        try:
            done = await self._database.write(lambda tx: self._gathering.fold(tx, enterprise, 1, now))
        except StoreError:
            raise
        except Exception:
            event_id = await self._database.write(lambda tx: leave_out_next(tx, enterprise))
            log.exception("Событие пропущено", enterprise=enterprise, event_id=event_id)
            return _EVENTS_AT_ONCE
        if done.wished:
            self._on_wishes()
        return _EVENTS_AT_ONCE if done.events else 0

    async def _look_at_due_calls(self) -> None:
        now = time.time()
        due = await self._database.read(lambda tx: due_calls(tx, now, _CALLS_AT_ONCE))
        by_enterprise: dict[str, set[int]] = {}
        for enterprise, call_id in due:
            by_enterprise.setdefault(enterprise, set()).add(call_id)
        wished = False
        for enterprise, call_ids in by_enterprise.items():
            try:
                wished |= await self._look_again(enterprise, call_ids, now)
            except StoreError:
                raise
            except Exception:
                log.exception("Сбой при просмотре звонков, смотрю по одному", enterprise=enterprise)
                wished |= await self._look_again_one_by_one(enterprise, call_ids, now)
        if wished:
            self._on_wishes()

    async def _look_again(self, enterprise: str, call_ids: Collection[int], now: float) -> bool:
        look = self._gathering.look_again
        return await self._database.write(lambda tx: look(tx, enterprise, call_ids, now), urgent=False)

    async def _look_again_one_by_one(self, enterprise: str, call_ids: Collection[int], now: float) -> bool:
        """Look at each call alone; one that can't be shown waits for its next event, or no call would be looked at."""
        wished = False
        for call_id in call_ids:
            try:
                wished |= await self._look_again(enterprise, (call_id,), now)
            except StoreError:
                raise
            except Exception:
                await self._database.write(lambda tx, failing=call_id: clear_due(tx, failing))
                log.exception("Звонок не показан", enterprise=enterprise, call_id=call_id)
        return wished

    async def _idle_s(self) -> float:
        due_at = await self._database.read(next_due_at)
        return _LOOK_S if due_at is None else min(_LOOK_S, max(0.02, due_at - time.time()))
