"""Wiring shared by everything that converses: the bot, `simulate`, `ask`, `chat`."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import structlog

from voxbot.call.recording import Recordings
from voxbot.call.retention import keep_clean
from voxbot.call.services import Services
from voxbot.domain.audio import FRAME_SAMPLES, TELEPHONE_RATE_HZ
from voxbot.domain.errors import ConfigError
from voxbot.knowledge.versions import POINTER
from voxbot.main.agent import build_agent, language_models, load_normalizer, load_prompts
from voxbot.main.knowledge import open_retriever, prewarm
from voxbot.main.preparation import Preparation, opening_texts
from voxbot.main.reload import on_change, reload_prompts, reload_settings
from voxbot.media.comfort import comfort_tone
from voxbot.providers import registry
from voxbot.settings.reloads import ReloadJournal
from voxbot.speech.asr import AsrHints
from voxbot.speech.budget import asr_budget, tts_budget
from voxbot.speech.switches import Switches
from voxbot.speech.tts_cache import CachedTts
from voxbot.speech.tts_disk import TtsDisk
from voxbot.speech.tts_dump import DumpingTts
from voxbot.speech.wav import read_wav
from voxbot.text import verbalizer
from voxbot.text.verbalizer import verbalize
from voxbot.turns import wording

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from voxbot.agent.agent import Agent
    from voxbot.agent.prompts import PromptsSource
    from voxbot.call.recording import Recorder
    from voxbot.domain.audio import Samples
    from voxbot.domain.events import CallEvent, LiveEvent
    from voxbot.domain.ids import CallId
    from voxbot.knowledge.retriever import Retriever
    from voxbot.main.reload import Reload
    from voxbot.settings.schema import Settings
    from voxbot.settings.snapshot import SettingsSource
    from voxbot.speech.fallback import FallbackAsr
    from voxbot.speech.fallback_tts import FallbackTts
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_MEGABYTE = 1024 * 1024


@asynccontextmanager
async def open_services(
    source: SettingsSource,
    publish: Callable[[CallEvent], None],
    publish_live: Callable[[LiveEvent], None] = lambda _: None,
) -> AsyncGenerator[Services, None]:
    """Load and warm every engine, then give the services; on exit close them.

    Raises ConfigError, KnowledgeError or ProviderError, each with one clear line.
    """
    started = time.perf_counter()
    settings = source.current
    prompts = load_prompts(settings)
    normalize = load_normalizer(settings).normalize
    vad = registry.create_vad(settings)
    switches = Switches()
    asr = registry.create_asr(settings, switches)
    voice = registry.create_tts(settings, switches)
    cached = CachedTts(voice, disk=_tts_disk(settings))
    tts = _dumped(cached, settings)
    end_of_turn = registry.create_end_of_turn(settings)
    hold_sound = _hold_sound(settings)
    async with AsyncExitStack() as owned:
        owned.push_async_callback(asr.close)
        owned.push_async_callback(tts.close)
        async with asyncio.TaskGroup() as loading:
            opening = loading.create_task(open_retriever(settings, current=lambda: source.current, switches=switches))
            loading.create_task(asyncio.to_thread(vad.warm_up))
            loading.create_task(asr.warm_up())
            loading.create_task(tts.warm_up())
            loading.create_task(asyncio.to_thread(_warm_text, normalize))
            if end_of_turn:
                owned.push_async_callback(end_of_turn.close)
                loading.create_task(end_of_turn.warm_up())
        retriever = opening.result()
        owned.push_async_callback(retriever.close)
        answerer = build_agent(settings, retriever, prompts, current=lambda: source.current, switches=switches)
        owned.push_async_callback(answerer.close)
        await answerer.warm_up()
        hints = AsrHints(terms=retriever.speech_terms())
        open_recording = await owned.enter_async_context(_recordings(source))

        # Said 40 ms after a call has begun.
        preparation = Preparation(cached, lambda: opening_texts(source.current, prompts.current.greeting))
        owned.push_async_callback(preparation.close)
        await preparation.start()
        usual_questions = asyncio.create_task(prewarm(retriever, settings))
        owned.push_async_callback(_stop, usual_questions)
        if settings.reload.enabled:
            share = partial(share_patience, asr, voice)
            following = asyncio.create_task(_follow_files(source, prompts, answerer, retriever, preparation, share))
            owned.push_async_callback(_stop, following)
        # A full collection of a process with models loaded takes 100 ms and stalls every call: what is loaded
        # now lives as long as the process, so the collector need not look at it again.
        gc.collect()
        gc.freeze()
        log.info("Голосовой стек готов", asr=asr.name, tts=tts.name, seconds=round(time.perf_counter() - started, 1))
        yield Services(
            vad=vad,
            asr=asr,
            tts=tts,
            answerer=answerer,
            settings=lambda: source.current,
            greeting=lambda: prompts.current.greeting,
            asr_hints=lambda: hints,
            normalize=normalize,
            verbalize=verbalize,
            publish=publish,
            publish_live=publish_live,
            end_of_turn=end_of_turn,
            open_recording=open_recording,
            hold_sound=lambda: hold_sound,
            switches=switches,
        )


def _tts_disk(settings: Settings) -> TtsDisk | None:
    limit = settings.tts.cache_mb * _MEGABYTE
    return TtsDisk(settings.paths.data_dir / "tts-cache", limit) if limit else None


def _dumped(tts: CachedTts, settings: Settings) -> Tts:
    """The same voice, leaving files for whoever hunts a fault of it, where the operator asks for them."""
    folder = settings.tts.debug_dump_dir
    if folder is None and settings.tts.debug_keep_chunks:
        folder = settings.paths.data_dir / "tts-debug"
    if folder is None:
        return tts
    log.warning("Сказанное ботом сохраняется для отладки, в нём могут быть слова звонящих", folder=str(folder))
    return DumpingTts(tts, folder)


def share_patience(asr: FallbackAsr, voice: FallbackTts, settings: Settings) -> None:
    """Give the engines their parts of AI_PROCESSING_TIMEOUT; the models have theirs at each turn."""
    asr.use(asr_budget(settings))
    voice.use(tts_budget(settings))


async def _follow_files(
    source: SettingsSource,
    prompts: PromptsSource,
    agent: Agent,
    retriever: Retriever,
    preparation: Preparation,
    share: Callable[[Settings], None],
) -> None:
    """Take over what changes in `.env`, in the prompts and in the index, without a restart."""

    async def settings_changed() -> None:
        before = reload_settings(source, reloads)
        share(source.current)
        if before and before.llm.model_identity != source.current.llm.model_identity:
            await agent.use(language_models(source.current))
        await preparation.follow()

    async def prompts_changed() -> None:
        if await asyncio.to_thread(reload_prompts, prompts, reloads):
            await preparation.follow()

    reloads = ReloadJournal()
    paths, reload = source.current.paths, source.current.reload
    files: dict[Path, Reload] = {
        paths.prompts: prompts_changed,
        paths.persist_directory / POINTER: retriever.maybe_reload,
    }
    if source.file:
        files[source.file] = settings_changed
    log.info(f"🔥 Горячая перезагрузка промптов включена (интервал: {reload.interval_s}с)")
    log.info(f"🔍 Запущен мониторинг файла промптов: {paths.prompts}")
    await on_change(files, reload.interval_s)


@asynccontextmanager
async def _recordings(source: SettingsSource) -> AsyncGenerator[Callable[[CallId], Recorder | None], None]:
    """Give what begins a call's recording, if calls are recorded at the time; meanwhile old ones are deleted."""
    directory = source.current.paths.recordings_dir
    if source.current.recording.enabled:
        _check_writable(directory)
    recordings = Recordings(directory)
    cleaning = asyncio.create_task(keep_clean(directory, lambda: source.current.recording.keep_days))
    try:
        yield lambda call_id: recordings.open(call_id, time.time()) if source.current.recording.enabled else None
    finally:
        await _stop(cleaning)
        await recordings.close()


def _check_writable(directory: Path) -> None:
    """Raise ConfigError if recordings cannot be written: callers are told that they are recorded."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ConfigError(
            f"RECORDING_DIR={directory}: сюда нельзя писать ({error.strerror}); "
            "дайте права или выключите CALL_RECORDING"
        ) from error


def _hold_sound(settings: Settings) -> Samples:
    """What a caller on hold hears, in whole frames. Raises ConfigError."""
    if settings.call.hold_sound is None:
        return comfort_tone()
    try:
        sound = read_wav(settings.call.hold_sound)
    except ConfigError as error:
        raise ConfigError(f"HOLD_SOUND={settings.call.hold_sound}: {error}") from error
    if len(sound) < TELEPHONE_RATE_HZ:
        raise ConfigError(f"HOLD_SOUND={settings.call.hold_sound}: короче секунды; нужна музыка хотя бы в 1 с")
    return np.pad(sound, (0, -len(sound) % FRAME_SAMPLES))


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _warm_text(normalize: Callable[[str], str]) -> None:
    """Load the dictionaries of text processing, which are read at their first use."""
    normalize("Есть машина на сто килоньютонов")
    verbalizer.warm_up()
    wording.warm_up()
