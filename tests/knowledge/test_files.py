"""The file of a knowledge base: replaced in one step, its past kept."""

import pytest

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.files import BaseFile


@pytest.fixture
def base(tmp_path):
    (tmp_path / "general.md").write_text("# Старое\nтекст\n", encoding="utf-8")
    return BaseFile("general", tmp_path / "general.md")


def test_what_is_replaced_is_kept(base):
    backup = base.install(base.stage("# Новое\nтекст\n"))
    assert base.text() == "# Новое\nтекст\n"
    assert backup.name.startswith("knowledge_base_20")
    assert [kept.name for kept in base.backups()] == [backup.name]
    assert base.backup_text(backup.name) == "# Старое\nтекст\n"
    assert not list(base.path.parent.glob(".*"))


def test_backups_of_one_second_do_not_overwrite_each_other(base):
    for number in range(3):
        base.install(base.stage(f"# {number}\nтекст\n"))
    assert [base.backup_text(kept.name)[:3] for kept in base.backups()] == ["# 1", "# 0", "# С"]


def test_the_same_content_makes_no_backup(base):
    assert base.install(base.stage("# Старое\nтекст\n")) is None
    assert base.backups() == []


def test_what_was_staged_changes_nothing(base):
    base.stage("# Новое\nтекст\n")
    assert base.text() == "# Старое\nтекст\n"
    base.discard()
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
