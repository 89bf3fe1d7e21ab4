"""`voxbot dev`: what developers and trials need; works in a source checkout only."""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxbot.domain.errors import ConfigError, KnowledgeError
from voxbot.main.context import run
from voxbot.main.lifecycle import until_stopped

if TYPE_CHECKING:
    from voxbot.settings.schema import PathSettings, Settings

app = typer.Typer(help="Для разработчиков: облака-двойники.", no_args_is_help=True)

_TESTS = Path(__file__).parents[4] / "tests"
_CHOICE = {"ASR_PROVIDER": "yandex", "TTS_PROVIDER": "yandex", "EMBEDDINGS_PROVIDER": "yandex"}
_OPENAI_CHOICE = {"ASR_PROVIDER": "openai", "EMBEDDINGS_PROVIDER": "openai"}


@app.callback()
def developers() -> None:
    """Для разработчиков: облака-двойники."""


@app.command("doubles")
def doubles(
    ctx: typer.Context,
    env_out: Annotated[Path | None, typer.Option("--env-out", help="Записать переменные и в этот файл")] = None,
    stt_final_ms: Annotated[int, typer.Option(min=0, max=60_000, help="Конец речи — текст")] = 150,
    llm_first_token_ms: Annotated[int, typer.Option(min=0, max=60_000, help="Вопрос — первое слово модели")] = 400,
    tts_first_audio_ms: Annotated[int, typer.Option(min=0, max=60_000, help="Фраза — первый звук")] = 150,
    embedding_ms: Annotated[int, typer.Option(min=0, max=60_000, help="Эмбеддинг одного вопроса")] = 50,
) -> None:
    """Запустить двойников OpenAI и Yandex Cloud на этой машине, чтобы пробовать «облачные» настройки без сети.

    Двойники проверяют запросы, как настоящие сервисы, а слышат, говорят и ищут локальными движками; языковая модель
    цитирует справку. Ctrl-C останавливает их.
    """
    cloud = load_doubles(_TESTS)
    latencies = cloud.Latencies(
        stt_final_s=stt_final_ms / 1000,
        llm_first_token_s=llm_first_token_ms / 1000,
        tts_first_audio_s=tts_first_audio_ms / 1000,
        embedding_s=embedding_ms / 1000,
    )
    run(until_stopped(_serve(cloud, latencies, _local(ctx.obj.settings), env_out)))


def load_doubles(tests: Path) -> Any:
    """Load the doubles of the tests. Raises ConfigError where they are not."""
    if not (tests / "fakes" / "cloud.py").is_file():
        raise ConfigError(
            "voxbot dev doubles работает только из исходного кода: двойники лежат в tests/fakes; "
            "склонируйте репозиторий и запустите оттуда"
        )
    sys.path.append(str(tests))
    return import_module("fakes.cloud")


async def _serve(cloud: Any, latencies: Any, settings: Settings, env_out: Path | None) -> None:
    async with AsyncExitStack() as running:
        engines = await _engines(cloud, settings, running)
        variables: dict[str, str] = await running.enter_async_context(cloud.whole_cloud(engines, latencies))
        chosen = variables | _CHOICE | _folders(settings.paths)
        text = "".join(f"{name}={_quoted(value)}\n" for name, value in chosen.items())
        text += "".join(f"#{name}={value}\n" for name, value in _OPENAI_CHOICE.items())
        if env_out is not None:
            _write(env_out, text)
        print(text, end="")
        print(f"ready doubles {variables['OPENAI_BASE_URL']}", flush=True)
        await asyncio.Event().wait()


def _folders(paths: PathSettings) -> dict[str, str]:
    """Where a trial writes: sounds, vectors and calls of the doubles must not be taken for the clouds' own."""
    return {"DATA_DIR": str(paths.data_dir.absolute() / "doubles"), "MODELS_DIR": str(paths.models_dir.absolute())}


def _quoted(value: str) -> str:
    """Write a value as `.env` files have it: in quotes where it holds more than plain characters."""
    if re.fullmatch(r"[\w.,:/@+=-]*", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def _engines(cloud: Any, settings: Settings, running: AsyncExitStack) -> Any:
    """Load the local engines that the doubles work with. Raises ConfigError, ProviderError."""
    from voxbot.providers import registry

    asr, tts, embedder = (
        registry.create_asr(settings),
        registry.create_tts(settings),
        registry.create_embedder(settings),
    )
    for engine in (asr, tts, embedder):
        running.push_async_callback(engine.close)
    async with asyncio.TaskGroup() as loading:
        loading.create_task(asr.warm_up())
        loading.create_task(tts.warm_up())
        loading.create_task(embedder.embed_query("адрес"))
    return cloud.LocalEngines(asr, tts, embedder, await asyncio.to_thread(_terms, settings))


def _terms(settings: Settings) -> str:
    """The trade's words, as the bot would hint them; none without knowledge bases."""
    from voxbot.knowledge.documents import read_document
    from voxbot.knowledge.terms import make_terms

    try:
        documents = [read_document("general", settings.paths.general_kb), read_document("tech", settings.paths.tech_kb)]
    except KnowledgeError:
        return ""
    return make_terms([chunk for document in documents for chunk in document.chunks])


def _local(settings: Settings) -> Settings:
    """The same settings with the local engines, which the operator's `.env` may have replaced by the doubles."""
    changed = {
        "asr": settings.asr.model_copy(update={"provider": "local"}),
        "tts": settings.tts.model_copy(update={"provider": "local"}),
        "knowledge": settings.knowledge.model_copy(update={"embeddings_provider": "local"}),
    }
    return settings.model_copy(update=changed)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: не записывается ({error.strerror}); укажите другой файл") from error
