import pytest
from fakes.embedder import TrigramEmbedder

from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.settings.schema import KnowledgeSettings

GENERAL = """# О компании
Мы делаем испытательные машины с 1998 года.
<<->>
## Адрес
Наш адрес: город Владимир, улица Испытателей, дом 14.
<<->>
## Цены на разрывные машины
Разрывная машина РЭМ-50 на 50 кН стоит от 1 740 000 рублей.
Разрывная машина РЭМ-100 на 100 кН стоит от 2 350 000 рублей.
<<->>
## Поверка и свидетельство о поверке
Свидетельство о поверке выдаётся вместе с машиной бесплатно.
<<->>
## Доставка
Доставка в Екатеринбург занимает от 5 до 7 рабочих дней.
"""
TECH = """# Разрывная машина РЭМ-100
РЭМ-100 — напольная машина с наибольшей нагрузкой 100 кН. Масса РЭМ-100 — 1050 кг.
<<->>
# Маятниковый копёр МК-300
Копёр МК-300 имеет запас энергии 300 джоулей и испытывает сталь на ударный изгиб.
<<->>
# Испытание бетона по ГОСТ 10180
Базовый образец по ГОСТ 10180 — куб с ребром 150 мм.
"""


@pytest.fixture
def sources(tmp_path):
    """Two small knowledge bases on disk."""
    files = {"general": tmp_path / "general.md", "tech": tmp_path / "tech.md"}
    files["general"].write_text(GENERAL, encoding="utf-8")
    files["tech"].write_text(TECH, encoding="utf-8")
    return files


@pytest.fixture
def root(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def embedder():
    return TrigramEmbedder()


@pytest.fixture
def open_over(root):
    """Open a retriever over the index with settings of one's own."""

    async def open_with(embedder, **settings):
        in_force = KnowledgeSettings(**settings)
        retriever = Retriever(root, QuestionEmbedder(embedder, MemoryEmbeddingCache()), lambda: in_force)
        await retriever.open()
        return retriever

    return open_with


@pytest.fixture
async def retriever(root, sources, embedder, open_over):
    """An open retriever over the two bases."""
    await build_index(root, sources, embedder)
    return await open_over(embedder)
