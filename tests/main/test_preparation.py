"""The words that every call begins with have their sound before the first caller hears them."""

from __future__ import annotations

import asyncio
import json
import sys
from types import ModuleType

import pytest
from fakes.scripted_engines import ScriptedAsr, ScriptedTts, sound
from fakes.virtual_time import run_virtual

from voxbot.agent.phrases import canned_texts
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.main.knowledge import build_index
from voxbot.main.preparation import Preparation, opening_texts
from voxbot.main.services import open_services
from voxbot.providers import registry
from voxbot.settings.loader import load_settings
from voxbot.settings.snapshot import SettingsSource
from voxbot.speech.fallback_tts import FallbackTts
from voxbot.speech.tts_cache import CachedTts
from voxbot.text.verbalizer import verbalize

DOWN = ProviderUnavailableError("cloud", "down")


def test_a_notice_belongs_to_the_opening_when_calls_are_recorded():
    environ = {"CALL_RECORDING": "true", "RECORDING_NOTICE": "Идёт запись."}
    assert opening_texts(load_settings(None, environ), "Здравствуйте!") == ["Идёт запись.", "Здравствуйте!"]
    assert opening_texts(load_settings(None, {}), "Здравствуйте!") == ["Здравствуйте!"]


def test_a_new_greeting_is_said_by_the_first_voice_as_soon_as_it_can():
    first = ScriptedTts("cloud", sound(1, 1), voice_id="anna")
    second = ScriptedTts("local", sound(1, 2), voice_id="robot")
    opening = ["Это мастерская."]

    async def main():
        tts = CachedTts(FallbackTts([first, second]))
        preparation = Preparation(tts, lambda: list(opening), again_s=60)
        await preparation.start()
        assert first.texts == opening, "the opening is ready when `start` is through"
        await asyncio.sleep(1)
        assert first.texts == [*opening, *map(verbalize, canned_texts())]
        await preparation.follow()
        first.scripts, opening[:] = [(DOWN,)], ["Добрый день!"]
        await preparation.follow()
        await asyncio.sleep(1)
        assert second.texts == opening
        first.scripts = [(sound(1, 1),)]
        await asyncio.sleep(65)
        assert first.texts.count("Добрый день!") == 2
        asked = len(first.texts)
        assert [int(chunk.samples[0]) async for chunk in tts.synthesize("Добрый день!")] == [1]
        assert len(first.texts) == asked
        await preparation.close()

    run_virtual(main())


def test_words_that_have_changed_again_are_not_prepared():
    voice, opening = ScriptedTts("cloud", DOWN), ["раз"]

    async def main():
        preparation = Preparation(CachedTts(FallbackTts([voice])), lambda: list(opening), again_s=60)
        await preparation.start()
        opening[:] = ["два"]
        await preparation.follow()
        await asyncio.sleep(1)
        voice.texts.clear()
        await asyncio.sleep(120)
        await preparation.close()

    run_virtual(main())
    assert set(voice.texts) == {"два"}


@pytest.fixture
def voice(monkeypatch):
    engines = ModuleType("scripted")
    engines.voice = ScriptedTts("scripted", sound(1), voice_id="anna")
    engines.create_tts = lambda settings: engines.voice
    engines.create_asr = lambda settings: ScriptedAsr("scripted", "")
    monkeypatch.setitem(sys.modules, "scripted", engines)
    monkeypatch.setitem(registry.TTS, "scripted", "scripted:create_tts")
    monkeypatch.setitem(registry.ASR, "scripted", "scripted:create_asr")
    return engines.voice


async def test_an_edited_greeting_and_notice_reach_a_running_unit(tmp_path, voice):
    env, prompts = tmp_path / "env", tmp_path / "prompts.json"
    for name in ("general", "tech"):
        (tmp_path / f"{name}.md").write_text(f"# Доставка {name}\nПо всей стране.\n", encoding="utf-8")
    words = {
        "greeting": DEFAULT_PROMPTS.greeting,
        "contextualize_q_system_prompt": DEFAULT_PROMPTS.contextualize_q_system_prompt,
        "qa_system_prompt": DEFAULT_PROMPTS.qa_system_prompt,
    }
    prompts.write_text(json.dumps(words))
    environ = {
        "DATA_DIR": str(tmp_path / "data"),
        "KNOWLEDGE_BASE_PATH": str(tmp_path / "general.md"),
        "KNOWLEDGE_BASE2_PATH": str(tmp_path / "tech.md"),
        "PROMPTS_FILE_PATH": str(prompts),
        "PROMPTS_RELOAD_INTERVAL_SEC": "0.2",
        "EMBEDDING_PREWARM": "never",
        "TTS_PROVIDER": "scripted",
        "ASR_PROVIDER": "scripted",
        "CALL_RECORDING": "true",
    }
    env.write_text("RECORDING_NOTICE=Старая запись.\n")
    source = SettingsSource(lambda: load_settings(env, environ), env)
    await build_index(source.current)
    async with open_services(source, lambda event: None):
        assert "Старая запись." in voice.texts
        await asyncio.sleep(0)  # it has looked at the files
        env.write_text("RECORDING_NOTICE=Идёт запись.\n")
        await until_said(voice, "Идёт запись.")
        prompts.write_text(json.dumps(words | {"greeting": "Добрый день!"}))
        await until_said(voice, "Добрый день!")


async def until_said(voice, text):
    async with asyncio.timeout(20):
        while text not in voice.texts:
            await asyncio.sleep(0.02)
