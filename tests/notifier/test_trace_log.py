"""The trace: one line for each thing that happened, whatever it holds."""

from __future__ import annotations

import json
import multiprocessing
import re
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from voxbot.notifier.trace_log import TraceLog, unescaped

AT = datetime(2025, 11, 29, 15, 26, 33, 859000).astimezone().timestamp()
TOKEN = "1000001:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


@pytest.fixture
def traced(tmp_path):
    """Write by a function of a TraceLog; the lines by file."""

    def write(work, keep_days=10_000):
        trace = TraceLog(tmp_path, keep_days)
        work(trace)
        trace.start()
        trace.stop()
        return {str(path.relative_to(tmp_path)): path.read_text().splitlines() for path in tmp_path.rglob("*.log")}

    return write


def operation(trace, **changed):
    values = {
        "chat_id": 374573193,
        "stage": "hangup",
        "message_id": 12345,
        "unique_id": "1764429992.120",
        "text": "text",
        "at": AT,
        **changed,
    }
    trace.operation("0367", values.pop("action", "send"), **values)


def test_lines_are_those_that_operators_know(traced):
    def work(trace):
        trace.event("0367", "/dial", "1764429992.120", '{"Phone":"375290001001"}', AT)
        operation(trace)
        operation(trace, action="delete", message_id=None, text="", error="message to delete not found")

    assert traced(work) == {
        "0367/events_2025-11-29.log": [
            '2025-11-29 15:26:33,859|AST|dial|1764429992.120|{"Phone":"375290001001"}',
            "2025-11-29 15:26:33,859|TG|send|374573193|hangup|12345|1764429992.120|text",
            "2025-11-29 15:26:33,859|TG|delete_failed|374573193|hangup||1764429992.120|message to delete not found",
        ]
    }


@pytest.mark.parametrize("text", ["a|b\nc\\d\r\"'", "\u2028\x85\x0b\x1c", "<b>☎️</b> \\u007c \\n"])
def test_text_of_any_kind_stays_one_field_of_one_line(traced, text):
    body = json.dumps({"CallerIDName": text}, ensure_ascii=False)

    def work(trace):
        operation(trace, text=text)
        trace.event("0367", "start", "1.2", body, AT)

    [[sent, posted]] = traced(work).values()
    assert unescaped(sent.split("|")[-1]) == text
    assert len(sent.split("|")) == 8
    assert len(posted.split("|")) == 5
    assert json.loads(posted.split("|")[-1]) == json.loads(body)


def test_long_text_is_cut(traced):
    [[line]] = traced(lambda trace: operation(trace, text="я" * 1000)).values()
    assert line.rpartition("|")[2] == "я" * 299 + "…"


def test_a_bot_token_inside_an_error_is_masked(traced):
    [[line]] = traced(lambda trace: operation(trace, error=f"no connection to /bot{TOKEN}/sendMessage")).values()
    assert TOKEN not in line
    assert "AAHdqTcv" not in line


def test_an_enterprise_cannot_leave_its_folder(traced, tmp_path):
    files = traced(lambda trace: trace.event("../../etc", "start", "1.2", "{}", AT))
    assert list(files) == ["_.._etc/events_2025-11-29.log"]


def test_files_older_than_the_days_kept_are_deleted(traced, tmp_path):
    today = datetime.now().astimezone().date()
    (tmp_path / "0367").mkdir()
    for days in (0, 13, 14, 15, 100):
        (tmp_path / "0367" / f"events_{today - timedelta(days=days)}.log").touch()
    (tmp_path / "0367" / "events_of_mine.log").touch()
    files = traced(lambda trace: trace.event("0400", "start", "1.2", "{}", AT), keep_days=14)
    kept = {f"0367/events_{today - timedelta(days=days)}.log" for days in (0, 13, 14)}
    assert {name for name in files if name.startswith("0367")} == kept | {"0367/events_of_mine.log"}


def test_a_disk_that_refuses_loses_lines_and_nothing_else(tmp_path):
    (tmp_path / "0367").write_text("a file where the folder should be")
    trace = TraceLog(tmp_path, 14)
    for _ in range(3):
        trace.event("0367", "start", "1.2", "{}", AT)
    with capture_logs() as logs:
        trace.start()
        trace.stop()
    assert trace.lost == 3
    [complaint] = logs
    assert "NOTIFIER_TRACE_DIR" in complaint["event"]


def test_a_folder_that_refuses_loses_the_lines_of_its_own_enterprise_alone(traced, tmp_path):
    (tmp_path / "0001").write_text("a file where the folder should be")

    def work(trace):
        for _ in range(3):
            trace.event("0001", "dial", "1.1", "{}", AT)
            trace.event("0002", "dial", "2.2", "{}", AT)

    assert {name: len(lines) for name, lines in traced(work).items()} == {"0002/events_2025-11-29.log": 3}


def test_after_half_of_a_line_the_next_one_is_whole(traced, tmp_path):
    path = tmp_path / "0367" / "events_2025-11-29.log"
    path.parent.mkdir()
    path.write_text("2025-11-29 15:26:33,859|AST|di")
    [[half, whole]] = traced(lambda trace: trace.event("0367", "dial", "1.1", "{}", AT)).values()
    assert half == "2025-11-29 15:26:33,859|AST|di"
    assert whole == "2025-11-29 15:26:33,859|AST|dial|1.1|{}"


def test_a_thread_that_hangs_does_not_hold_up_those_who_write(tmp_path):
    trace = TraceLog(tmp_path, 14)  # its thread never starts
    for _ in range(60_000):
        trace.event("0367", "start", "1.2", "{}", AT)
    assert trace.lost == 10_000


def write_many(folder, name):
    trace = TraceLog(folder, 10_000)
    trace.start()
    for number in range(2000):
        operation(trace, text=f"{name}-{number}-" + "x" * (number % 250))
    trace.stop()


def test_processes_share_a_file_line_by_line(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(tmp_path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    [path] = tmp_path.rglob("*.log")
    lines = path.read_text().splitlines()
    texts = [re.fullmatch(r"2025-.*\|([abc]-\d+)-x*", line)[1] for line in lines]
    assert sorted(texts) == sorted(f"{name}-{number}" for name in "abc" for number in range(2000))
    for name in "abc":
        assert [text for text in texts if text[0] == name] == [f"{name}-{number}" for number in range(2000)]
