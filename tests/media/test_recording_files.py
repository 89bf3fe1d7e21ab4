"""Finding a call's recording again, and drawing it."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from voxbot.media.recording_files import duration_s, file_path, find_recording, peaks

START = datetime.fromisoformat("2026-03-31T23:59:58")
AT = START.astimezone().timestamp()


def record(folder, call_id, at, frames=4, name=None):
    path = file_path(folder, call_id, at)
    path = path.with_name(name) if name else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(44) + np.arange(frames * 2, dtype="<i2").tobytes())
    return path


def test_a_recording_that_began_after_midnight_is_that_of_the_call_before_it(tmp_path):
    path = record(tmp_path, "1.42", AT + 5)
    assert path.parent.name == "04"
    assert find_recording(tmp_path, "1.42", START) == path


def test_only_the_finished_recording_of_this_very_call_is_taken(tmp_path):
    record(tmp_path, "1.42", AT - 86400)
    record(tmp_path, "11.42", AT)
    record(tmp_path, "1.4", AT)
    part = record(tmp_path, "1.42", AT)
    part.rename(part.with_name(part.name + ".part"))
    assert find_recording(tmp_path, "1.42", START) is None
    assert find_recording(tmp_path / "none", "1.42", START) is None


def test_a_name_made_safe_is_found_by_the_id_it_was_made_of(tmp_path):
    path = record(tmp_path, "PJSIP/a b", AT)
    assert find_recording(tmp_path, "PJSIP/a b", START) == path
    assert find_recording(tmp_path, "PJSIP-a-b", START) is None


def test_peaks_are_of_each_side_whatever_the_length(tmp_path):
    path = tmp_path / "x.wav"
    sound = np.array([[0, -32768], [16384, 0], [-8192, 0], [0, 0], [0, 0]], "<i2")
    path.write_bytes(bytes(44) + sound.tobytes() + b"\x01")
    assert peaks(path, 2).tolist() == [[0.5, 1.0], [0.25, 0.0]]
    assert peaks(path, 100).shape == (5, 2)
    assert duration_s(path) == 5 / 8000
    path.write_bytes(bytes(44))
    assert peaks(path, 10).shape == (0, 2)
