"""When the index of a unit is built, and when it is used as it is."""

import pytest
from structlog.testing import capture_logs

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.versions import VersionStore
from voxbot.main.knowledge import ensure_index
from voxbot.settings.loader import load_settings


@pytest.fixture
def settings(tmp_path):
    files = {"KNOWLEDGE_BASE_PATH": tmp_path / "general.md", "KNOWLEDGE_BASE2_PATH": tmp_path / "tech.md"}
    for path in files.values():
        path.write_text("# Доставка\nПо всей стране.\n", encoding="utf-8")
    return load_settings(None, {"DATA_DIR": str(tmp_path / "data")} | {name: str(path) for name, path in files.items()})


async def test_a_whole_index_is_used_without_the_files_that_it_was_made_of(settings):
    await ensure_index(settings)
    version = VersionStore(settings.paths.persist_directory).current()
    settings.paths.tech_kb.unlink()
    with capture_logs() as logs:
        await ensure_index(settings)
    assert [line["log_level"] for line in logs] == ["warning"]
    assert VersionStore(settings.paths.persist_directory).current() == version


async def test_without_an_index_a_missing_file_is_an_error(settings):
    settings.paths.tech_kb.unlink()
    with pytest.raises(KnowledgeError, match="нет такого файла"):
        await ensure_index(settings)
