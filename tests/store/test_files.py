"""Replacing a file whole."""

from __future__ import annotations

import pytest

from voxbot.store.files import write_durably


def test_a_file_keeps_its_mode_and_a_link_its_target(tmp_path):
    target, link = tmp_path / "real" / ".env", tmp_path / ".env"
    target.parent.mkdir()
    target.write_text("A=1\n")
    target.chmod(0o640)
    link.symlink_to(target)
    write_durably(link, "A=2\r\n", 0o600)
    assert link.is_symlink()
    assert target.read_bytes() == b"A=2\r\n"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_new_file_gets_the_mode_asked_for_and_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / ".env"
    write_durably(path, "x", 0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "prompts.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_durably(path, "\ud83d")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["prompts.json"]
