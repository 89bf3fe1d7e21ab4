"""What is told of requests to Telegram: failures too."""

from __future__ import annotations

import pytest
from fakes.notifier import NO_LIMITS, Wishes
from fakes.notifier import running as running_works
from fakes.telegram_server import Fault

from voxbot.notifier.delivery import Delivery
from voxbot.notifier.metrics import NotifierMetrics
from voxbot.notifier.observer import DeliveryObserver
from voxbot.notifier.trace_log import TraceLog

pytestmark = pytest.mark.enable_socket


async def test_each_request_is_traced_and_counted(database, telegram, tmp_path):
    trace, metrics = TraceLog(tmp_path, 14), NotifierMetrics()
    wishes = Wishes(database, telegram)
    observer = DeliveryObserver(trace, metrics)
    wishes.delivery = Delivery(database, api_base=telegram.base_url, limits=NO_LIMITS, observer=observer)
    telegram.fail(Fault(status=429, description="Too Many Requests", retry_after=1), method="sendMessage")
    telegram.fail(Fault(status=400, description="Bad Request: message to delete not found"), method="deleteMessage")
    async with running_works(wishes.delivery):
        await wishes.wish(1, "start", "📞 <b>Входящий</b>\nзвонок")
        await wishes.until_done()
        await wishes.wish(1, "hangup", "✅ Конец")
        await wishes.until_done()
    trace.start()
    trace.stop()
    [path] = tmp_path.glob("0367/*.log")
    lines = [line.split("|")[2:] for line in path.read_text().splitlines()]
    assert [(line[0], line[1], line[2]) for line in lines] == [
        ("send_failed", "100001", "start"),
        ("send", "100001", "start"),
        ("send", "100001", "hangup"),
        ("delete_failed", "100001", "start"),
    ]
    assert "Too Many Requests" in lines[0][5]
    assert lines[1][3:] == ["1", "", r"📞 <b>Входящий</b>\nзвонок"]
    assert "message to delete not found" in lines[3][5]
    text = metrics.render({})
    for sample in (
        'voxbot_notifier_operations_total{action="send",result="done"} 2',
        'voxbot_notifier_operations_total{action="send",result="flood"} 1',
        'voxbot_notifier_operations_total{action="delete",result="gone"} 1',
        "voxbot_notifier_retries_total 1",
        "voxbot_notifier_delay_seconds_count 2",
    ):
        assert sample in text, text
