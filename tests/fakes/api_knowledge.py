"""The knowledge side of an API in tests: real files, index and quoting agent over an embedder without a model."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

from fakes.embedder import TrigramEmbedder
from voxbot.admin.knowledge.publishing import KnowledgeWork
from voxbot.admin.knowledge.service import base_files, drafts_of
from voxbot.agent.agent import Agent
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.cache import MemoryEmbeddingCache, QuestionEmbedder
from voxbot.knowledge.index import build_index
from voxbot.knowledge.retriever import Retriever
from voxbot.knowledge.versions import VersionStore
from voxbot.settings.schema import KnowledgeSettings, LlmSettings

GENERAL = """# О компании
Мы делаем испытательные машины с 1998 года.
<<->>
## Адрес
Наш адрес: город Владимир, улица Испытателей, дом 14.
<<->>
## Доставка
Доставка в Екатеринбург занимает от 5 до 7 рабочих дней.
"""
TECH = """# Разрывная машина РЭМ-100
РЭМ-100 — напольная машина с наибольшей нагрузкой 100 кН. Масса РЭМ-100 — 1050 кг.
<<->>
# Маятниковый копёр МК-300
Копёр МК-300 имеет запас энергии 300 джоулей и испытывает сталь на ударный изгиб.
"""


class Killed(BaseException):
    """What no code has a chance to answer."""


class ApiKnowledge:
    """Give it to ApiLab.parts with `environ`; `gate` holds every build until it is set.

    The next switch of the index fails if it is `unswitchable`; the process is as if killed before it if it
    `dies_before_switch`.
    """

    def __init__(self, folder):
        self.folder = folder / "kb"
        self.folder.mkdir()
        self.general, self.tech = self.folder / "general.md", self.folder / "tech.md"
        self.general.write_text(GENERAL, encoding="utf-8")
        self.tech.write_text(TECH, encoding="utf-8")
        self.root = folder / "index"
        self.embedder = TrigramEmbedder()
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures = []
        self.unswitchable = self.dies_before_switch = False
        self.building = asyncio.Event()
        self.builds = 0
        self._retriever = None

    @property
    def environ(self):
        return {
            "KNOWLEDGE_BASE_PATH": str(self.general),
            "KNOWLEDGE_BASE2_PATH": str(self.tech),
            "PERSIST_DIRECTORY": str(self.root),
        }

    async def built(self):
        await build_index(self.root, {"general": self.general, "tech": self.tech}, self.embedder)
        return self

    def work(self, source, normalize):
        paths = source.current.paths
        return KnowledgeWork(
            files=lambda: base_files(paths),
            drafts=drafts_of(paths),
            build=self._build,
            indexed=self._indexed,
            retriever=self.retriever,
            agent_over=self.agent_over,
            normalize=normalize,
            busy_s=0.01,
        )

    async def retriever(self):
        if self._retriever is None:
            settings = KnowledgeSettings()
            embedder = QuestionEmbedder(self.embedder, MemoryEmbeddingCache())
            self._retriever = Retriever(self.root, embedder, lambda: settings)
            await self._retriever.open()
        return self._retriever

    async def answerer(self):
        return self._agent(await self.retriever())

    @asynccontextmanager
    async def agent_over(self, searcher):
        yield self._agent(searcher)

    def _agent(self, searcher):
        return Agent(searcher, prompts=lambda: DEFAULT_PROMPTS, settings=LlmSettings, threshold=lambda: 0.3)

    async def _indexed(self, kb):
        manifest = VersionStore(self.root).manifest()
        return manifest.bases[kb].content_hash if manifest else ""

    async def _build(self, sources, kb, progress, swap):
        self.builds += 1
        self.building.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return await build_index(
            self.root, sources, self.embedder, only=kb, progress=progress, swap=lambda: self._swap(swap)
        )

    @contextmanager
    def _swap(self, swap):
        with swap():
            if self.dies_before_switch:
                self.dies_before_switch = False
                raise Killed
            if self.unswitchable:
                raise KnowledgeError("индекс не сменён")
            yield
