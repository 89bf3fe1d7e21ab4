"""Recordings of calls, with real files."""

import asyncio
import stat
import threading
import time
import wave
from datetime import datetime

import numpy as np
import pytest

from voxbot.call.recording import PART, Recordings, file_path
from voxbot.call.retention import keep_clean, purge, repair
from voxbot.domain.ids import CallId

AT = datetime(2026, 11, 21, 16, 50, 3).astimezone().timestamp()
DAY_S = 86_400


def frame(value: int, samples: int = 160) -> np.ndarray:
    return np.full(samples, value, np.int16)


def sides(path) -> tuple[np.ndarray, np.ndarray]:
    """Caller and bot as any player reads them."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return both[:, 0], both[:, 1]


def files(directory) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def block_writer(recordings) -> threading.Event:
    """Make the disk slow until the event is set."""
    release = threading.Event()
    recordings._writer.submit(release.wait, 20)
    return release


async def record(directory, call_id="1700000000.1", frames=100, at=AT):
    recordings = Recordings(directory)
    recorder = recordings.open(CallId(call_id), at)
    for index in range(frames):
        recorder.push(frame(index), frame(-index))
    await recorder.close()
    await recordings.close()
    return recorder


async def test_the_caller_is_left_and_the_bot_right(tmp_path):
    recorder = await record(tmp_path, frames=137)
    assert files(tmp_path) == ["2026/11/20261121-165003_1700000000.1.wav"]
    caller, bot = sides(recorder.path)
    assert (caller == np.repeat(np.arange(137), 160)).all()
    assert (bot == -caller).all()
    assert not stat.S_IMODE(recorder.path.stat().st_mode) & 0o007  # nobody else's business


async def test_a_side_that_misses_sound_is_silent_there(tmp_path):
    recordings = Recordings(tmp_path)
    recorder = recordings.open(CallId("a"), AT)
    recorder.push(frame(5, 100), frame(7, 160))
    recorder.push(frame(5, 160), frame(7, 0))
    await recorder.close()
    caller, bot = sides(recorder.path)
    assert caller.tolist() == [5] * 100 + [0] * 60 + [5] * 160
    assert bot.tolist() == [7] * 160 + [0] * 160
    await recordings.close()


async def test_it_is_called_a_recording_only_when_it_is_finished(tmp_path):
    recordings = Recordings(tmp_path)
    recorder = recordings.open(CallId("a"), AT)
    recorder.push(frame(1, 8000), frame(2, 8000))
    await asyncio.to_thread(recordings._writer.submit(int).result)
    assert files(tmp_path) == ["2026/11/20261121-165003_a.wav" + PART]
    assert recorder.path is None
    await recorder.close()
    await recorder.close()
    assert files(tmp_path) == ["2026/11/20261121-165003_a.wav"]
    await recordings.close()


async def test_a_call_without_sound_leaves_no_file(tmp_path):
    recorder = await record(tmp_path, frames=0)
    assert files(tmp_path) == []
    assert recorder.path is None


@pytest.mark.parametrize("call_id", ["../../etc/passwd", "/etc/passwd", "..", "a\0b\n", "x" * 500, "звонок", "", "a b"])
async def test_no_call_id_leads_out_of_the_directory(tmp_path, call_id):
    inside = tmp_path / "recordings"
    recorder = await record(inside, call_id=call_id)
    assert recorder.path.parent == inside / "2026" / "11"
    assert purge(inside, 1, AT + 3 * DAY_S) == 1  # and it is known for a recording


async def test_two_calls_never_share_a_file(tmp_path):
    assert file_path(tmp_path, CallId("a/b"), AT) != file_path(tmp_path, CallId("a?b"), AT)
    first = await record(tmp_path, call_id="a", frames=3)
    second = await record(tmp_path, call_id="a", frames=5)
    assert len(sides(first.path)[0]) == 3 * 160
    assert len(sides(second.path)[0]) == 5 * 160


async def test_a_slow_disk_never_holds_up_the_call(tmp_path):
    """What cannot be kept is silence, and the sound after it is still where it was spoken."""
    recordings = Recordings(tmp_path)
    recorder = recordings.open(CallId("a"), AT)
    release = block_writer(recordings)
    started = time.perf_counter()
    for second in range(1, 31):
        recorder.push(frame(second, 8000), frame(second, 8000))
    assert time.perf_counter() - started < 1
    assert sum(future.running() or not future.done() for future in recorder._waiting) <= 8
    release.set()
    await asyncio.to_thread(recordings._writer.submit(int).result)
    recorder.push(frame(31, 8000), frame(31, 8000))
    await recorder.close()
    caller, _ = sides(recorder.path)
    assert len(caller) == 31 * 8000
    assert caller[0] == 1
    assert caller[-1] == 31
    assert caller[20 * 8000] == 0
    await recordings.close()


async def test_a_failing_disk_costs_the_recording_and_not_the_call(tmp_path):
    (tmp_path / "2026").write_text("a file where a folder should be")
    recorder = await record(tmp_path, frames=300)
    assert recorder.path is None
    assert (tmp_path / "2026").read_text() == "a file where a folder should be"


async def test_a_full_disk_keeps_what_was_written(tmp_path):
    recordings = Recordings(tmp_path)
    recorder = recordings.open(CallId("a"), AT)
    recorder.push(frame(1, 8000), frame(2, 8000))
    await asyncio.to_thread(recordings._writer.submit(int).result)

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self.file.__enter__()

        def __exit__(self, *error):
            return self.file.__exit__(*error)

        def write(self, _data):
            raise OSError(28, "No space left on device")

    recorder._file = Full(recorder._file)
    for _ in range(5):
        recorder.push(frame(3, 8000), frame(4, 8000))
    await recorder.close()
    caller, _ = sides(recorder.path)
    assert caller.tolist() == [1] * 8000
    await recordings.close()


async def crash(directory) -> None:
    """Leave what a killed process leaves: no true header, the last sample cut in two, no lock."""
    recordings = Recordings(directory)
    recorder = recordings.open(CallId("crashed"), AT)
    recorder.push(frame(1, 8000), frame(2, 8000))
    await recordings.close()
    recorder._file.write(b"\1\2\3")
    recorder._file.close()


async def test_a_recording_that_a_crash_left_is_repaired(tmp_path):
    await crash(tmp_path)
    assert files(tmp_path) == ["2026/11/20261121-165003_crashed.wav" + PART]
    assert repair(tmp_path) == 1
    caller, bot = sides(tmp_path / "2026/11/20261121-165003_crashed.wav")
    assert caller.tolist() == [1] * 8000
    assert bot.tolist() == [2] * 8000
    assert repair(tmp_path) == 0


async def test_repair_leaves_a_call_alone_that_is_being_recorded(tmp_path):
    recordings = Recordings(tmp_path)
    recorder = recordings.open(CallId("a"), AT)
    recorder.push(frame(1, 8000), frame(2, 8000))
    await asyncio.to_thread(recordings._writer.submit(int).result)
    assert repair(tmp_path) == 0
    recorder.push(frame(3, 8000), frame(4, 8000))
    await recorder.close()
    assert len(sides(recorder.path)[0]) == 16000
    await recordings.close()


def test_what_holds_no_sound_is_not_kept(tmp_path):
    part = file_path(tmp_path, CallId("a"), AT)
    part = part.with_name(part.name + PART)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"RIFF")
    assert repair(tmp_path) == 0
    assert files(tmp_path) == []


async def test_old_recordings_go_and_nothing_else(tmp_path):
    await record(tmp_path, call_id="old", at=AT - 40 * DAY_S)
    await record(tmp_path, call_id="new", at=AT - 29 * DAY_S)
    (tmp_path / "2026/10/notes.txt").write_text("kept")
    (tmp_path / "2026/10/20261001-101010_x.mp3").write_text("kept")
    (tmp_path / "20200101-101010_x.wav").write_text("kept: not in a month's folder")
    outside = tmp_path.parent / "outside"
    outside.mkdir()
    (outside / "20200101-101010_x.wav").write_text("kept: behind a link")
    (tmp_path / "2020").mkdir()
    (tmp_path / "2020/01").symlink_to(outside)
    assert purge(tmp_path, 0, AT) == 0
    assert purge(tmp_path, 30, AT) == 1
    left = files(tmp_path)
    assert [name for name in left if "old" in name] == []
    assert len([name for name in left if "new" in name]) == 1
    assert len(left) == 4
    assert files(outside) == ["20200101-101010_x.wav"]


async def test_empty_months_go_too(tmp_path):
    await record(tmp_path, at=AT - 400 * DAY_S)
    assert purge(tmp_path, 30, AT) == 1
    assert list(tmp_path.iterdir()) == []


def test_no_directory_is_nothing_to_do(tmp_path):
    assert repair(tmp_path / "none") == 0
    assert purge(tmp_path / "none", 30, AT) == 0


async def test_purging_goes_on_every_day_by_the_days_that_are_set(tmp_path):
    """A change of RECORDING_KEEP_DAYS counts from the next day on."""
    for age in (2, 20):
        path = file_path(tmp_path, CallId(f"age-{age}"), AT - age * DAY_S)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    days = iter([30, 10, 1])
    left = []

    async def pause(seconds: float) -> None:
        assert seconds == DAY_S
        left.append(sorted(name.partition("age-")[2] for name in files(tmp_path)))
        if len(left) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_clean(tmp_path, lambda: next(days), clock=lambda: AT, pause=pause)
    assert left == [["2.wav", "20.wav"], ["2.wav"], []]
