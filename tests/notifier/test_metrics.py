"""Metrics as Prometheus reads them."""

from __future__ import annotations

import re

from voxbot.notifier.metrics import NotifierMetrics, Quantiles


def test_quantiles_are_those_of_the_last_values():
    values = Quantiles()
    assert values.at(0.5) == []
    for value in range(10_000):
        values.add(value)
    assert (values.count, values.sum) == (10_000, sum(range(10_000)))
    median, late = values.at(0.5, 0.99)
    assert abs(median - 7952) <= 1
    assert abs(late - 9959) <= 1


def test_every_line_is_one_that_prometheus_takes():
    metrics = NotifierMetrics()
    metrics.event("start", "ok", 0.002)
    metrics.operation("send", 'odd "result"\n', delay_s=0.1)
    metrics.operation("delete", "done")
    metrics.retry()
    text = metrics.render({"queue_messages": ("Messages waiting", 3)})
    sample = re.compile(r'voxbot_notifier_\w+(\{(\w+="(\\.|[^"\\\n])*",?)+\})? [\d.e+-]+')
    for line in text.splitlines():
        assert line.startswith("# ") or sample.fullmatch(line), line
    assert text.endswith("\n")
    for line in (
        'voxbot_notifier_operations_total{action="delete",result="done"} 1',
        'voxbot_notifier_delay_seconds{quantile="0.95"} 0.1',
        "voxbot_notifier_retries_total 1",
        "voxbot_notifier_queue_messages 3",
    ):
        assert line in text.splitlines()
