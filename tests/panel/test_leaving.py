"""Pages that are left: nothing goes on behind the viewer's back, and nothing that was written is lost unasked."""

import asyncio
import re

import pytest
from playwright.async_api import expect

RECORD = """
window.heard = [];
const media = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => {
  const heard = await media(asked);
  window.heard.push(heard);
  return heard;
};
"""
ASKED = "() => window.heard.length === 1"
SILENT = "() => window.heard.every((stream) => stream.getTracks().every((track) => track.readyState === 'ended'))"


@pytest.fixture
async def caller(open_page):
    """A page with a microphone, whose calls are taken by nobody; the service answers it when `held` is set."""
    arguments = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    async with open_page(*arguments, permissions=["microphone"]) as page:
        await page.add_init_script(RECORD)
        page.held = asyncio.Event()

        async def hold(route):
            await page.held.wait()
            await route.continue_()

        await page.route("**/api/system", hold)
        page.calls = set()

        def answered(socket):
            page.calls.add(socket)
            socket.on_close(lambda _code, _reason: page.calls.discard(socket))

        await page.route_web_socket(re.compile("/api/talk"), answered)
        yield page
        assert page.faults == []


async def test_a_call_that_is_left_while_it_is_dialled_ends(caller, address):
    page = caller
    await page.goto(f"{address}/talk")
    await page.get_by_role("button", name="Позвонить").click()
    await page.wait_for_function(ASKED)
    await page.get_by_role("link", name="Инструкция").click()
    await expect(page.get_by_role("heading", name="Инструкция", level=1)).to_be_visible()
    async with page.expect_response("**/api/system"):
        page.held.set()
    await page.wait_for_function(SILENT)
    assert page.calls == set()


async def test_dialling_can_be_given_up(caller, address):
    page = caller
    await page.goto(f"{address}/talk")
    await page.get_by_role("button", name="Позвонить").click()
    await page.wait_for_function(ASKED)
    await page.get_by_role("button", name="Завершить").click()
    await expect(page.get_by_role("button", name="Позвонить")).to_be_visible()
    page.held.set()
    await page.wait_for_function(SILENT)
    await page.get_by_role("button", name="Позвонить").click()
    await expect(page.get_by_text("Приветствие")).to_be_visible()
    assert len(page.calls) == 1


async def test_a_replay_that_is_left_asks_the_model_no_more(page, address):
    async def never(_route):
        await asyncio.Event().wait()

    await page.route("**/replay", never)
    await page.goto(f"{address}/?kb=general&q=доставляете")
    await page.get_by_role("row").nth(1).click()
    async with page.expect_request("**/replay"):
        await page.get_by_role("button", name="Повторить с нынешними").click()
    async with page.expect_event("requestfailed", lambda asked: asked.url.endswith("/replay")):
        await page.get_by_role("link", name="Инструкция").click()
    await page.unroute_all(behavior="ignoreErrors")


async def test_edits_of_a_draft_are_not_lost_unasked(page, address):
    await page.goto(f"{address}/knowledge/tech")
    await page.get_by_role("button", name="Править").click()
    editor = page.get_by_role("textbox", name="Текст")
    await expect(editor).to_have_value(re.compile("РЭМ-100"))
    await editor.press_sequentially("Мои правки. ")
    asked = []
    stay = True

    async def answer(dialog):
        asked.append(dialog.message)
        await (dialog.dismiss() if stay else dialog.accept())

    page.on("dialog", answer)
    await page.keyboard.press("Escape")
    await expect(editor).to_have_value(re.compile("Мои правки"))
    await page.mouse.click(20, 450)
    await expect(editor).to_have_value(re.compile("Мои правки"))
    await page.get_by_role("button", name="Позже").click()
    await expect(editor).to_have_value(re.compile("Мои правки"))
    assert asked == ["Правки черновика не сохранены. Закрыть?"] * 3
    stay = False
    await page.keyboard.press("Escape")
    await expect(editor).to_have_count(0)
