"""Calls as they happen: a call from the browser through a real bot, whose answer is listened to."""

import re
import wave

import numpy as np
import pytest
from fakes.listening import words_of
from playwright.async_api import expect

from voxbot.domain.audio import TELEPHONE_RATE_HZ

SILENCE_BEFORE_S, SILENCE_AFTER_S = 7, 40
QUESTION = "tests/e2e/audio/location.wav"
RECORD_PLAYED = """
window.played = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && this.context.sampleRate === 8000) {
    const ear = this.context.createScriptProcessor(1024, 1, 1);
    ear.onaudioprocess = ({ inputBuffer }) => window.played.push(...inputBuffer.getChannelData(0));
    connect.call(this, ear);
    connect.call(ear, target);
  }
  return connect.call(this, target, ...rest);
};
"""


@pytest.fixture(scope="module")
def microphone(request, tmp_path_factory):
    """A WAV that waits for the greeting to end, asks, and then is silent."""
    with wave.open(str(request.config.rootpath / QUESTION)) as file:
        rate, spoken = file.getframerate(), file.readframes(file.getnframes())
    path = tmp_path_factory.mktemp("microphone") / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * rate * SILENCE_BEFORE_S) + spoken + bytes(2 * rate * SILENCE_AFTER_S))
    return path


@pytest.fixture(scope="module")
def with_bot(home):
    """The panel's address with a bot behind it."""
    with home.bot() as bot, home.api(BOT_URLS=bot) as found:
        yield f"{found}/logs-ui"


@pytest.fixture
async def caller(open_page, microphone):
    arguments = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
        "--autoplay-policy=no-user-gesture-required",
    )
    async with open_page(*arguments, permissions=["microphone"]) as page:
        await page.add_init_script(RECORD_PLAYED)
        yield page
        assert page.faults == []


async def test_a_call_from_the_browser_is_answered_aloud_and_seen_live(caller, with_bot, recognise):
    page = caller
    watcher = await page.context.new_page()
    await watcher.goto(f"{with_bot}/live")
    await expect(watcher.get_by_text("Сейчас никто не звонит")).to_be_visible()
    await page.goto(f"{with_bot}/talk")
    await page.get_by_role("button", name="Позвонить").click()
    await expect(watcher.get_by_role("article", name=re.compile("panel"))).to_be_visible()
    phone = page.get_by_role("log", name="Расшифровка звонка")
    await expect(phone).to_contain_text("Здравствуйте", timeout=20_000)
    await expect(phone).to_contain_text("[general]", timeout=60_000)
    await expect(phone).to_contain_text(re.compile("находи", re.IGNORECASE))
    await expect(watcher.get_by_role("article")).to_contain_text("[general]")
    await page.get_by_role("button", name="Завершить").click()
    await expect(phone).to_contain_text("Звонок окончен")
    await expect(watcher.get_by_text("Сейчас никто не звонит")).to_be_visible()
    heard = await recognise(np.array(await page.evaluate("window.played"), np.float32))
    assert re.search("владимир|испытател", heard.lower()), heard
    await page.get_by_role("link", name="Открыть в журнале").click()
    await expect(page.get_by_role("heading", name="Разговор")).to_be_visible()


async def test_staff_can_end_a_live_call(caller, with_bot):
    page = caller
    await page.goto(f"{with_bot}/talk")
    await page.get_by_role("button", name="Позвонить").click()
    watcher = await page.context.new_page()
    await watcher.goto(f"{with_bot}/")
    await expect(watcher.get_by_role("row").nth(1)).to_contain_text("panel")
    await watcher.get_by_role("row").nth(1).click()
    await watcher.get_by_role("button", name="Завершить").click()
    await watcher.get_by_role("dialog").get_by_role("button", name="Завершить").click()
    await expect(watcher.get_by_text("Звонок завершён.")).to_be_visible()
    await expect(page.get_by_text("завершён из панели")).to_be_visible()


async def test_the_chat_answers_by_text(page, address):
    await page.goto(f"{address}/talk")
    chat = page.get_by_role("log", name="Текстовый чат")
    await page.get_by_label("Напишите вопрос").click()
    await expect(chat).to_contain_text("Здравствуйте")
    await page.get_by_label("Напишите вопрос").fill("где вы находитесь")
    await page.keyboard.press("Enter")
    await expect(chat).to_contain_text("Владимир", timeout=30_000)
    await expect(chat).to_contain_text("[general]")


async def test_without_a_bot_the_pages_say_so(page, address):
    await page.goto(f"{address}/live")
    await expect(page.get_by_text("Бот не отвечает").first).to_be_visible()


@pytest.fixture
def recognise(home):
    """Give the words of a sound of TELEPHONE_RATE_HZ, by the recogniser that the bot uses."""

    async def listen(sound):
        assert len(sound) > TELEPHONE_RATE_HZ, "nothing was played"
        return await words_of((sound * 32767).astype(np.int16), home.folder / "data" / "models")

    return listen
