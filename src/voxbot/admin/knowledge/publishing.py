"""The jobs of the knowledge bases: putting a draft in force, and trying it out.

The index is built of the draft beside the base's file; then the draft takes the file's place and the index is switched
to it, both or neither: whatever fails leaves the old base and its index. A job that was broken off is simply done
again, also between the two: what is embedded already is reused.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from voxbot.admin.jobs.runner import Handler, Progress
from voxbot.admin.knowledge.drafts import Draft, Drafts, check_text
from voxbot.agent.agent import Answerer, Searcher
from voxbot.domain.dialogue import AnswerInfo, KbName
from voxbot.domain.errors import IndexBusyError, KnowledgeError
from voxbot.knowledge.documents import split_document
from voxbot.knowledge.files import BaseChangedError, BaseFile
from voxbot.knowledge.index import BuildReport, Swap
from voxbot.knowledge.markdown import SEPARATOR
from voxbot.knowledge.retriever import Retriever
from voxbot.knowledge.trial import open_trial
from voxbot.store.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Generator

    from voxbot.knowledge.files import Staged

log = structlog.get_logger(__name__)

PUBLISH, TRIAL = "kb_publish", "kb_trial"
BASE_CHANGED = (
    "база знаний изменилась с тех пор, как сделан черновик; сравните их, внесите нужное в черновик и сохраните его "
    "с меткой нынешней базы"
)
_BUSY_TRIES = 60
_CHANGED_TRIES = 5

Build: TypeAlias = Callable[[Mapping[KbName, Path], KbName, Callable[[int, int], None], Swap], Awaitable[BuildReport]]
"""Builds and publishes the index of the files given, reading the named base anew."""
Indexed: TypeAlias = Callable[[KbName], Awaitable[str]]
"""Gives the digest of the file that the index in use was made of; empty if that is not known."""
AgentOver: TypeAlias = Callable[[Searcher], AbstractAsyncContextManager[Answerer]]


@dataclass(frozen=True, slots=True)
class KnowledgeWork:
    """What the jobs are done with. `retriever` and `agent_over` may take seconds at their first use."""

    files: Callable[[], Mapping[KbName, BaseFile]]
    drafts: Drafts
    build: Build
    indexed: Indexed
    retriever: Callable[[], Awaitable[Retriever]]
    agent_over: AgentOver
    normalize: Callable[[str], str]
    busy_s: float = 2.0
    """How long to wait before asking again whether another program still builds."""

    def handlers(self) -> Mapping[str, Handler]:
        """Give the runner its jobs."""
        return {PUBLISH: self.publish, TRIAL: self.try_out}

    async def publish(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Put a draft in force. Raises KnowledgeError, ProviderError."""
        draft = await asyncio.to_thread(self.drafts.find_any, str(job.payload["draft"]))
        if draft is None:
            raise _gone()
        if draft.result is not None:  # done before, and broken off before the job could be ended
            return draft.result
        for _ in range(_CHANGED_TRIES):
            try:
                return await self._put_in_force(job, draft, progress)
            except BaseChangedError as error:
                if draft.section is None:
                    raise KnowledgeError(BASE_CHANGED) from error
                log.info("База знаний изменилась, раздел добавляется к новой", kb=draft.kb)
        return await self._put_in_force(job, draft, progress)

    async def _put_in_force(self, job: Job, draft: Draft, progress: Progress) -> Mapping[str, Any]:
        files = self.files()
        base = files[draft.kb]
        progress.begin("Готовится файл")
        await asyncio.to_thread(base.recover)
        over_changes = bool(job.payload.get("over_changes"))
        text, over = await asyncio.to_thread(self._future, draft, base, over_changes=over_changes)
        resumed = over == draft.staged
        staged = await asyncio.to_thread(base.stage, text)
        try:
            if not resumed:
                former = staged.backup.name if staged.backup else None
                draft = await asyncio.to_thread(self.drafts.note, draft, staged=_digest(text), former=former)
            checked = over if draft.section is not None or (draft.base is not None and not over_changes) else None
            report = await self._build(files, draft.kb, staged, checked, progress)
        except Exception:
            if resumed and draft.former and await self.indexed(draft.kb) != over:
                await asyncio.to_thread(base.put_back, draft.former)
            raise
        finally:
            await asyncio.to_thread(base.discard, staged)
        log.info("База знаний обновлена", kb=draft.kb, version=report.version)
        result = {
            "documents": dict(report.documents),
            "version": report.version,
            "seconds": round(report.seconds, 2),
            "backup": draft.former,
        }
        await asyncio.to_thread(self.drafts.note, draft, result=result)
        return result

    def _future(self, draft: Draft, base: BaseFile, *, over_changes: bool) -> tuple[str, str]:
        """Give the whole text that is to be in force, and the digest of the base that it replaces.

        Raises KnowledgeError if the base has changed since the draft was made.
        """
        present = base.digest()
        if present and present == draft.staged:  # this very job has put it in force before it was broken off
            return base.exact_text(), present
        if draft.section is not None:
            return check_text(draft.kb, with_section(base.exact_text(), draft.section)), present
        if draft.base is not None and draft.base != present and not over_changes:
            raise KnowledgeError(BASE_CHANGED)
        return self.drafts.text(draft), present

    async def try_out(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Answer the questions of a job as they are answered now, and as they would be with the draft."""
        draft = await self._draft(job)
        questions: list[str] = list(job.payload["questions"])
        text = await asyncio.to_thread(self.drafts.text, draft)
        chunks = await asyncio.to_thread(lambda: tuple(split_document(draft.kb, text)))
        retriever = await self.retriever()
        progress.begin("Считаются векторы")
        trial = await open_trial(retriever, draft.kb, chunks, progress.count)
        progress.begin("Задаются вопросы", len(questions))
        answers: list[Mapping[str, Any]] = []
        async with self.agent_over(retriever) as now, self.agent_over(trial) as then:
            for number, question in enumerate(questions):
                progress.count(number, len(questions))
                normalized = self.normalize(question)
                pair = [
                    await self._answer(agent, searcher, normalized)
                    for agent, searcher in ((now, retriever), (then, trial))
                ]
                answers.append({"question": question, "before": pair[0], "after": pair[1]})
        progress.count(len(questions), len(questions))
        return {"questions": answers}

    async def _answer(self, agent: Answerer, searcher: Searcher, question: str) -> Mapping[str, Any]:
        found = await searcher.search(question)
        text, info = await whole_answer(agent, question)
        return {
            "text": text,
            "kb": info.kb,
            "known": info.known,
            "hits": [{"kb": hit.kb, "title": hit.title, "score": round(hit.score, 4)} for hit in found.hits],
        }

    async def _build(
        self, files: Mapping[KbName, BaseFile], kb: KbName, staged: Staged, over: str | None, progress: Progress
    ) -> BuildReport:
        sources: dict[KbName, Path] = {name: file.path for name, file in files.items()}
        sources[kb] = staged.path

        @contextmanager
        def swap() -> Generator[None]:
            progress.begin("Заменяется файл")
            with files[kb].installed(staged, over):
                yield

        for _ in range(_BUSY_TRIES):
            progress.begin("Строится индекс")
            try:
                return await self.build(sources, kb, progress.count, swap)
            except IndexBusyError:
                progress.begin("Ждём, пока индекс достроит другая программа")
                await asyncio.sleep(self.busy_s)
        return await self.build(sources, kb, progress.count, swap)

    async def _draft(self, job: Job) -> Draft:
        draft = await asyncio.to_thread(self.drafts.find, str(job.payload["draft"]))
        if draft is None:
            raise _gone()
        return draft


def with_section(text: str, section: str) -> str:
    """Put a section at the end of a base."""
    return f"{text.rstrip()}\n{SEPARATOR}\n{section}" if text.strip() else section


def _gone() -> KnowledgeError:
    return KnowledgeError("черновика больше нет; загрузите файл снова")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def whole_answer(agent: Answerer, question: str, history: Any = ()) -> tuple[str, AnswerInfo]:
    """Ask and wait for all of the answer: its text as it is spoken, without the marks between segments."""
    text, info = "", AnswerInfo()
    async with aclosing(agent.reply(question, history)) as reply:
        async for item in reply:
            if isinstance(item, AnswerInfo):
                info = item
            else:
                text += item
    return " ".join(text.replace("|", " ").split()), info
