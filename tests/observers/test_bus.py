"""The event bus: everyone gets everything in order, and nobody's trouble is another's."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from voxbot.domain.events import CallEnded, CallEvent, CallStarted
from voxbot.domain.ids import CallId
from voxbot.observers.bus import EventBus


def started(number: int) -> CallStarted:
    return CallStarted(CallId(f"c{number}"), float(number), "100")


class Recorder:
    def __init__(self, name: str = "recorder") -> None:
        self.name = name
        self.seen: list[CallEvent] = []
        self.arrived: asyncio.Queue[CallEvent] = asyncio.Queue()

    async def observe(self, event: CallEvent) -> None:
        self.seen.append(event)
        self.arrived.put_nowait(event)


class Gate(Recorder):
    """Lets nothing through until it is opened."""

    def __init__(self, name: str = "gate") -> None:
        super().__init__(name)
        self.open = asyncio.Event()

    async def observe(self, event: CallEvent) -> None:
        await self.open.wait()
        await super().observe(event)


class Breaking(Recorder):
    async def observe(self, event: CallEvent) -> None:
        await super().observe(event)
        raise OSError("disk is gone")


async def test_every_observer_gets_every_event_in_order():
    recorders = [Recorder("a"), Recorder("b")]
    bus = EventBus(recorders)
    events = [started(number) for number in range(20)]
    for event in events:
        bus.publish(event)
    await bus.close()
    assert [recorder.seen for recorder in recorders] == [events, events]


async def test_a_slow_observer_delays_only_itself():
    gate, recorder = Gate(), Recorder()
    bus = EventBus([gate, recorder])
    bus.publish(started(1))
    bus.publish(started(2))
    assert [await recorder.arrived.get() for _ in range(2)] == [started(1), started(2)]
    assert gate.seen == []
    gate.open.set()
    await bus.close()
    assert gate.seen == recorder.seen


async def test_a_failing_observer_is_counted_and_goes_on():
    breaking, recorder = Breaking(), Recorder()
    bus = EventBus([breaking, recorder])
    with capture_logs() as logs:
        bus.publish(started(1))
        bus.publish(started(2))
        await bus.close()
    assert len(breaking.seen) == len(recorder.seen) == 2
    assert [delivery.failed for delivery in bus.deliveries] == [2, 0]
    assert [line["event"] for line in logs] == ["Наблюдатель не справился с событием"] * 2


async def test_what_does_not_fit_is_dropped_for_the_slow_one_alone():
    gate, recorder = Gate(), Recorder()
    bus = EventBus([gate, recorder], queue_events=3)
    with capture_logs() as logs:
        for number in range(5):
            bus.publish(started(number))
            await asyncio.sleep(0)
        gate.open.set()
        await bus.close()
    assert [event.call_id for event in recorder.seen] == ["c0", "c1", "c2", "c3", "c4"]
    assert [event.call_id for event in gate.seen] == ["c0", "c1", "c2", "c3"]
    assert [delivery.dropped for delivery in bus.deliveries] == [1, 0]
    assert [(line["call_id"], line["dropped"]) for line in logs] == [("c4", 1)]


async def test_closing_does_not_wait_for_ever():
    gate = Gate()
    bus = EventBus([gate, Recorder()])
    for number in range(3):
        bus.publish(started(number))
    with capture_logs() as logs:
        await bus.close(drain_s=0.01)
        await bus.close()
    assert [(line["observer"], line["lost"]) for line in logs] == [("gate", 2)]
    assert all(delivery.task.done() for delivery in bus.deliveries)


async def test_publishing_after_the_end_harms_nobody():
    recorder = Recorder()
    bus = EventBus([recorder])
    await bus.close()
    with capture_logs() as logs:
        bus.publish(CallEnded(CallId("c1"), 1.0, "Completed", "goodbye"))
    assert recorder.seen == []
    assert logs[0]["call_id"] == "c1"
