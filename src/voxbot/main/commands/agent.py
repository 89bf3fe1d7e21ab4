"""`voxbot ask`, `chat`, `normalize`: the agent and its text tools without a telephone."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.main.commands.batch import read_lines, read_questions
from voxbot.main.context import print_json, run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from voxbot.agent.agent import Agent
    from voxbot.agent.prompts import PromptsSource
    from voxbot.knowledge.retriever import Retriever
    from voxbot.settings.schema import Settings

app = typer.Typer(help="Агент: вопрос и ответ без телефона.")


@dataclass(slots=True)
class _Answer:
    """An answer as it came in."""

    text: str = ""
    info: AnswerInfo = field(default_factory=AnswerInfo)

    @property
    def segments(self) -> list[str]:
        from voxbot.text.segmenter import split_segments

        return split_segments(self.text)

    def document(self) -> dict[str, Any]:
        """The shape that `voxbot ask --json` prints."""
        segments = self.segments
        return {
            "answer": " ".join(segments),
            "segments": segments,
            "kb": self.info.kb,
            "sources": list(self.info.sources),
            "model": self.info.model,
            "intent": self.info.intent,
            "known": self.info.known,
            "ms": dict(self.info.ms),
        }


@app.command()
def ask(
    ctx: typer.Context,
    question: Annotated[str | None, typer.Argument(help="Вопрос, как его произносят")] = None,
    batch: Annotated[Path | None, typer.Option("--batch", help='Файл со строками {"q": ...}')] = None,
    caller: Annotated[
        str | None, typer.Option("--caller", help="Номер звонящего: вопросы из --batch становятся одним его разговором")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")] = False,
) -> None:
    """Задать один вопрос, как по телефону."""
    if (question is None) == (batch is None):
        raise typer.BadParameter("нужен либо вопрос, либо --batch ФАЙЛ")
    questions = [question] if question is not None else read_questions(batch or Path())
    run(_ask(ctx.obj.settings, questions, as_json=as_json, one_dialogue=caller is not None))


@app.command()
def chat(ctx: typer.Context) -> None:
    """Разговор с агентом в терминале; пустая строка или Ctrl-D — конец."""
    run(_chat(ctx.obj.settings))


@app.command()
def normalize(
    ctx: typer.Context,
    text: Annotated[str | None, typer.Argument(help="Что сказал звонящий")] = None,
    batch: Annotated[Path | None, typer.Option("--batch", help="Файл: строка — одна фраза")] = None,
) -> None:
    """Привести единицы измерения и оговорки распознавания к каноническому виду."""
    from voxbot.main.agent import load_normalizer

    if (text is None) == (batch is None):
        raise typer.BadParameter("нужен либо текст, либо --batch ФАЙЛ")
    to_canonical = load_normalizer(ctx.obj.settings).normalize
    for line in [text] if text is not None else read_lines(batch or Path()):
        print(to_canonical(line), flush=True)


async def _ask(settings: Settings, questions: Sequence[str], *, as_json: bool, one_dialogue: bool) -> None:
    history: list[Utterance] = []
    async with open_agent(settings) as opened:
        for question in questions:
            answer = await _answer(opened, question, tuple(history))
            if one_dialogue:
                history += [Utterance("user", question), Utterance("bot", " ".join(answer.segments))]
            if as_json:
                print_json(answer.document())
            else:
                print(" ".join(answer.segments), flush=True)


async def _chat(settings: Settings) -> None:
    import asyncio

    async with open_agent(settings) as opened:
        greeting = opened.prompts.current.greeting
        print(f"Бот: {greeting}", flush=True)
        history = [Utterance("bot", greeting)]
        while question := (await asyncio.to_thread(_read_line)).strip():
            print("Бот: ", end="", flush=True)
            answer = await _answer(opened, question, history, shown=True)
            print(flush=True)
            if answer.info.intent:
                return
            history += [Utterance("user", question), Utterance("bot", " ".join(answer.segments))]


async def _answer(opened: OpenedAgent, question: str, history: Sequence[Utterance], *, shown: bool = False) -> _Answer:
    answer = _Answer()
    async with aclosing(opened.agent.reply(opened.normalize(question), history)) as reply:
        async for item in reply:
            if isinstance(item, AnswerInfo):
                answer.info = item
                continue
            answer.text += item
            if shown:
                print(item.replace("|", " "), end="", flush=True)
    return answer


@dataclass(frozen=True, slots=True)
class OpenedAgent:
    """The agent and what it was made of."""

    agent: Agent
    searcher: Retriever
    prompts: PromptsSource
    normalize: Callable[[str], str]


@asynccontextmanager
async def open_agent(settings: Settings) -> AsyncGenerator[OpenedAgent, None]:
    """Give the agent of the settings, without a telephone; raises ConfigError, KnowledgeError or ProviderError."""
    from voxbot.main.agent import build_agent, load_normalizer, load_prompts
    from voxbot.main.knowledge import open_retriever

    prompts = load_prompts(settings)
    normalizer = load_normalizer(settings)
    async with AsyncExitStack() as owned:
        retriever = await open_retriever(settings)
        owned.push_async_callback(retriever.close)
        agent = build_agent(settings, retriever, prompts)
        owned.push_async_callback(agent.close)
        await agent.warm_up()  # or loading a model's libraries counts as its silence, and the fallback answers
        yield OpenedAgent(agent, retriever, prompts, normalizer.normalize)


def _read_line() -> str:
    print("Вы: ", end="", flush=True)
    return sys.stdin.readline()
