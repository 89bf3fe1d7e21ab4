"""What every voice must do, whatever engine is behind it. A new provider adds one line to VOICES."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from fakes.piper_voice import write_piper_voice
from fakes.yandex_cloud import yandex_cloud

from voxbot.domain.errors import ProviderError
from voxbot.providers.tts import espeak, festival, piper, yandex, yandex_http
from voxbot.settings.loader import load_settings

VOICES = {"piper": piper, "festival": festival, "espeak": espeak, "yandex": yandex, "yandex_http": yandex_http}

SENTENCE = "Разрывная машина на сто килоньютонов стоит один миллион рублей."
LONG = (
    "Машина испытывает металлы на растяжение, сжатие и изгиб, а также определяет предел прочности. "
    "Доставка занимает две недели, гарантия полтора года, поверка входит в стоимость. "
) * 3


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clouds():
    """The variables of the services that some voices live in."""
    async with yandex_cloud() as yandex_double:
        yield yandex_double.environment()


async def started(name: str, folder: Path, clouds: dict[str, str]):
    write_piper_voice(folder / "models" / "piper")
    settings = load_settings(None, {"DATA_DIR": str(folder), **clouds})
    if not VOICES[name].available(settings):
        pytest.skip(f"{name} is not installed on this machine")
    engine = VOICES[name].create(settings)
    await engine.warm_up()
    return engine


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VOICES)
async def tts(request, tmp_path_factory, clouds):
    engine = await started(request.param, tmp_path_factory.mktemp("voice"), clouds)
    yield engine
    await engine.close()


async def spoken(tts, text: str):
    async with aclosing(tts.synthesize(text)) as chunks:
        return [chunk async for chunk in chunks]


def seconds(chunks) -> float:
    return sum(chunk.duration_ms for chunk in chunks) / 1000


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "Да.",
        "1500 рублей, 15 %",
        "Hello, USB!",
        "«Кавычки» — и тире…",
        "Ещё ёжик; съел: (объект)",
        "Ударе\u0301ние",
    ],
)
async def test_a_text_is_audible(tts, text):
    chunks = await spoken(tts, text)
    assert 0.05 < seconds(chunks) < 15
    assert {chunk.rate_hz for chunk in chunks} <= {8000, 16000, 22050, 24000}
    for chunk in chunks:
        assert chunk.samples.dtype == np.int16
        assert np.abs(chunk.samples.astype(int)).max() > 3000


@pytest.mark.parametrize("text", ["", "   ", "\n", "...", "!?", "«»", "—", "🎉"])
async def test_nothing_to_say_is_no_sound(tts, text):
    assert await spoken(tts, text) == []


async def test_a_longer_text_takes_longer(tts):
    assert seconds(await spoken(tts, LONG)) > 2 * seconds(await spoken(tts, SENTENCE))


async def test_a_long_text_begins_before_it_is_finished(tts):
    async with aclosing(tts.synthesize(LONG)) as chunks:
        first = await anext(chunks)
    assert 0.1 < seconds([first]) < 8


@pytest.mark.parametrize(
    "text",
    [
        'кавычка " обратная \\ черта',
        '") (system "touch hacked") ("',
        "перевод\nстроки\tи ноль\0в середине",
        "<speak>разметка</speak> [[fonemy]] ${HOME} `id`",
        "́ñ ß 中文 слово \ud800 конец",
        "а" * 400,
    ],
)
async def test_any_text_is_only_text(tts, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert seconds(await spoken(tts, text)) > 0.05
    assert not list(tmp_path.glob("hacked*"))
    assert seconds(await spoken(tts, SENTENCE)) > 0.5


async def test_two_calls_speak_at_once(tts):
    alone = [seconds(await spoken(tts, text)) for text in (SENTENCE, "Добрый день!")]
    together = await asyncio.gather(spoken(tts, SENTENCE), spoken(tts, "Добрый день!"))
    assert [seconds(chunks) for chunks in together] == pytest.approx(alone, rel=0.05)


async def test_a_reply_that_is_cut_off_leaves_the_voice_working(tts):
    async with aclosing(tts.synthesize(LONG)) as chunks:
        await anext(chunks)
    talking = [asyncio.create_task(spoken(tts, LONG)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in talking:
        task.cancel()
    await asyncio.wait(talking)
    assert all(task.cancelled() for task in talking)
    async with asyncio.timeout(10):
        assert seconds(await spoken(tts, SENTENCE)) == pytest.approx(seconds(await spoken(tts, SENTENCE)), rel=0.05)


@pytest.mark.parametrize("name", VOICES)
async def test_a_closed_voice_leaves_no_process_and_says_so_in_the_house_manner(name, tmp_path, clouds):
    other_processes = children()
    tts = await started(name, tmp_path, clouds)
    talking = asyncio.create_task(spoken(tts, LONG))
    await asyncio.sleep(0)
    await tts.close()
    assert children() <= other_processes
    await asyncio.wait({talking})
    assert isinstance(talking.exception(), ProviderError)  # not a cancellation: nobody cancelled that call
    with pytest.raises(ProviderError):
        await spoken(tts, SENTENCE)
    assert children() <= other_processes


def children() -> set[str]:
    """The processes that this one has started."""
    return {pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()}
