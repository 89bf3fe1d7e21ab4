"""The file of a knowledge base: replaced in one step, its past kept."""

import os
import shutil
import subprocess
import sys

import pytest

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.files import BaseChangedError, BaseFile


def install(base, text):
    """Replace a base; gives the backup's name."""
    staged = base.stage(text)
    with base.installed(staged):
        pass
    base.discard(staged)
    return staged.backup


@pytest.fixture
def base(tmp_path):
    (tmp_path / "general.md").write_text("# Старое\nтекст\n", encoding="utf-8")
    return BaseFile("general", tmp_path / "general.md")


def test_what_is_replaced_is_kept(base):
    backup = install(base, "# Новое\nтекст\n")
    assert base.text() == "# Новое\nтекст\n"
    assert backup.name.startswith("knowledge_base_20")
    assert [kept.name for kept in base.backups()] == [backup.name]
    assert base.backup_text(backup.name) == "# Старое\nтекст\n"
    assert not list(base.path.parent.glob(".*"))


def test_backups_of_one_second_do_not_overwrite_each_other(base):
    for number in range(3):
        install(base, f"# {number}\nтекст\n")
    assert [base.backup_text(kept.name)[:3] for kept in base.backups()] == ["# 1", "# 0", "# С"]


def test_the_same_content_makes_no_backup(base):
    assert install(base, "# Старое\nтекст\n") is None
    assert base.backups() == []


def test_what_was_staged_changes_nothing(base):
    staged = base.stage("# Новое\nтекст\n")
    assert base.text() == "# Старое\nтекст\n"
    base.discard(staged)
    assert not list(base.path.parent.glob(".*"))


@pytest.mark.parametrize("name", ["../general.md", "knowledge_base2_2026-01-01_00-00-00.md.bak", "x", ""])
def test_only_this_bases_backups_can_be_read(base, name):
    (base.path.parent / "backups").mkdir()
    (base.path.parent / "backups/knowledge_base2_2026-01-01_00-00-00.md.bak").write_text("чужое")
    assert base.backup_text(name) is None


def test_a_folder_that_takes_no_files_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KnowledgeError, match="нельзя записать файл"):
        BaseFile("tech", tmp_path / "file" / "tech.md").stage("текст")


def test_what_fails_after_the_file_was_replaced_puts_the_former_text_back(base):
    def fail(staged):
        with base.installed(staged):
            assert base.text() == "# Новое\nтекст\n"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail(base.stage("# Новое\nтекст\n"))
    assert base.text() == "# Старое\nтекст\n"


def test_a_file_that_somebody_edited_meanwhile_is_not_replaced(base):
    before, staged = base.digest(), base.stage("# Новое\nтекст\n")
    base.path.write_text("# Правка\nрукой\n", encoding="utf-8")
    with pytest.raises(BaseChangedError), base.installed(staged, before):
        pass
    assert base.text() == "# Правка\nрукой\n"


def test_two_that_stage_at_once_have_a_file_each(base):
    first, second = base.stage("# Первое\nтекст\n"), base.stage("# Второе\nтекст\n")
    with base.installed(first):
        pass
    base.discard(first)
    with base.installed(second):
        pass
    assert base.text() == "# Второе\nтекст\n"


def test_a_link_to_the_file_stays_a_link(tmp_path):
    real = tmp_path / "shared" / "kb.md"
    real.parent.mkdir()
    real.write_text("# Старое\nтекст\n", encoding="utf-8")
    real.chmod(0o640)
    (tmp_path / "kb").mkdir()
    link = tmp_path / "kb" / "general.md"
    link.symlink_to(real)
    base = BaseFile("general", link)
    install(base, "# Новое\nтекст\n")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "# Новое\nтекст\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(base.backups()) == 1


_MOUNTED = """
import subprocess, sys
from pathlib import Path
from voxbot.knowledge.files import BaseChangedError, BaseFile
path = Path(sys.argv[1])
subprocess.run(["mount", "--bind", path, path], check=True)
base = BaseFile("general", path)
staged = base.stage("# Новое\\nтекст\\n")
try:
    with base.installed(staged):
        assert "Новое" in base.text()
        if sys.argv[2] == "fail":
            raise RuntimeError
except RuntimeError:
    pass
base.discard(staged)
"""


@pytest.mark.parametrize(("way", "text"), [("well", "# Новое\nтекст\n"), ("fail", "# Старое\nтекст\n")])
def test_a_file_that_is_mounted_by_itself_is_written_over(base, way, text):
    """In a mount namespace of its own: rename(2) over a mount point gives EBUSY."""
    alone = [shutil.which("unshare") or "unshare", "--mount", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    command = [*alone, sys.executable, "-c", _MOUNTED, str(base.path), way]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert base.text() == text
    assert [base.backup_text(kept.name) for kept in base.backups()][-1] == "# Старое\nтекст\n"
    assert not list(base.path.parent.glob(".*"))


def test_a_writer_that_was_killed_half_way_leaves_nothing_half_written(base):
    """As `Replacing` leaves it: the note of what was there, and the file torn."""
    staged = base.stage("# Новое\nтекст\n")
    (base.path.parent / ".general.md.writing").write_text(str(base.path.parent / "backups" / staged.backup.name))
    base.path.write_text("# Нов", encoding="utf-8")
    base.recover()
    assert base.text() == "# Старое\nтекст\n"
    base.discard(staged)
    assert not list(base.path.parent.glob(".*"))
