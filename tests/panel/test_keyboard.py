"""Hotkeys with a Russian layout, where the keys give Cyrillic letters."""

import json
import re

from playwright.async_api import expect

CTRL = 2


async def press(page, key, code, virtual_key, modifiers=0):
    """Press a key as a keyboard of that layout does."""
    session = await page.context.new_cdp_session(page)
    given = {"key": key, "code": code, "windowsVirtualKeyCode": virtual_key, "modifiers": modifiers}
    typed = {"type": "keyDown", "text": key} if not modifiers else {"type": "rawKeyDown"}
    await session.send("Input.dispatchKeyEvent", {**given, **typed})
    await session.send("Input.dispatchKeyEvent", {**given, "type": "keyUp"})
    await session.detach()


async def test_the_key_of_the_slash_goes_to_the_search(page, address):
    await page.goto(f"{address}/")
    await expect(page.get_by_role("row").nth(3)).to_be_visible()
    await press(page, ".", "Slash", 191)
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await expect(page.get_by_role("searchbox")).to_have_value("")
    await page.goto(f"{address}/settings")
    await expect(page.get_by_role("searchbox")).to_be_visible()
    await press(page, ".", "Slash", 191)
    await expect(page.get_by_role("searchbox")).to_be_focused()


async def test_ctrl_and_the_key_of_s_save(page, address, home):
    before = home.prompts.read_text(encoding="utf-8")
    await page.goto(f"{address}/prompts")
    await expect(page.get_by_label("Приветствие")).to_have_value(re.compile("Здравствуйте"))
    await page.get_by_label("Приветствие").fill("Слушаю вас!")
    await press(page, "ы", "KeyS", 83, CTRL)
    await expect(page.get_by_text("Промпты сохранены")).to_be_visible()
    assert json.loads(home.prompts.read_text(encoding="utf-8"))["greeting"] == "Слушаю вас!"
    home.prompts.write_text(before, encoding="utf-8")
    await page.goto(f"{address}/settings")
    await page.get_by_label("Найти настройку").fill("KB_TOP_K")
    await page.locator("#KB_TOP_K").fill("5")
    await press(page, "ы", "KeyS", 83, CTRL)
    await expect(page.get_by_text("Настройки сохранены")).to_be_visible()
    assert "KB_TOP_K=5" in home.env_file.read_text(encoding="utf-8")
    await page.locator("#KB_TOP_K").fill("3")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_role("button", name="Сохранить")).to_be_disabled()
