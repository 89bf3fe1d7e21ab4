"""Take docs/img/ anew: every page of the panel, light and dark, in Russian and in English. `make screenshots`.

Runs the API and a bot on the project's own knowledge bases, with a log full of made-up calls, in a temporary folder.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
import wave
from pathlib import Path

from fakes.panel import KEY, PanelHome
from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "img"
SIZE = {"width": 1440, "height": 900}
LOOKS = tuple((scheme, language) for scheme in ("light", "dark") for language in ("ru", "en"))
QUESTION = "сколько стоит машина на сто килоньютонов"
SPOKEN = ROOT / "tests" / "e2e" / "audio" / "location.wav"
PAGES = {
    "calls": "/",
    "live": "/live",
    "analytics": "/analytics",
    "knowledge": "/knowledge/general",
    "search": "/knowledge/search",
    "gaps": "/knowledge/gaps",
    "prompts": "/prompts",
    "settings": "/settings",
    "system": "/system",
    "instruction": "/instruction",
}


def main() -> int:
    """Take all of them."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("screenshots: chromium is not installed (scripts/test_setup.sh)", file=sys.stderr)
        return 2
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        texts = {kb: (ROOT / "kb" / f"{kb}.md").read_text(encoding="utf-8") for kb in ("general", "tech")}
        prompts = (ROOT / "config" / "prompts.json").read_text(encoding="utf-8")
        home = PanelHome(Path(folder), prompts=prompts, **texts)
        home.make(calls=160, hostile=False)
        asyncio.run(home.notify())
        microphone = _microphone(Path(folder) / "microphone.wav")
        with home.bot() as bot, home.api(BOT_URLS=bot) as address:
            asyncio.run(_take_all(chromium, f"{address}/logs-ui", home.recorded, microphone))
    return 0


async def _take_all(chromium: str, address: str, recorded: str, microphone: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}%noloop",
            ],
        )
        for scheme, language in LOOKS:
            await _take_look(browser, address, recorded, scheme, language)
        await browser.close()


async def _take_look(browser: Browser, address: str, recorded: str, scheme: str, language: str) -> None:
    context = await browser.new_context(
        viewport=SIZE, locale="ru-RU", permissions=["microphone"], reduced_motion="reduce"
    )
    await context.add_init_script(
        f"localStorage.setItem('voxbot-language', '{language}'); localStorage.setItem('voxbot-scheme', '{scheme}');"
        f"sessionStorage.setItem('voxbot-key', '{KEY}');"
    )
    phone = await context.new_page()
    await phone.goto(f"{address}/talk")
    await phone.get_by_role("button", name=re.compile("^(Позвонить|Call)$")).click()
    await phone.get_by_role("log").first.get_by_text("[general]").wait_for(timeout=60_000)
    page = await context.new_page()
    for name, path in {"calls": "/", "call": f"/calls/{recorded}", **PAGES}.items():
        await page.goto(f"{address}{path}")
        await _settle(page, name)
        await page.screenshot(path=IMAGES / f"{name}-{scheme}-{language}.png")
    await phone.bring_to_front()
    await phone.screenshot(path=IMAGES / f"talk-{scheme}-{language}.png")
    await context.close()


async def _settle(page: Page, name: str) -> None:
    if name == "search":
        await page.locator("input[maxlength='1000']").fill(QUESTION)
        await page.keyboard.press("Enter")
        await page.locator("ol li").first.wait_for(timeout=30_000)
    if name == "call":
        await page.locator("a[href*='/call/details/']").wait_for()
        await page.locator("button[aria-expanded=false]").filter(has_text=re.compile("[мm][сs]")).first.click()
    await expect(page.locator(".mantine-Skeleton-root")).to_have_count(0, timeout=60_000)
    await page.wait_for_load_state("load")


def _microphone(path: Path) -> Path:
    with wave.open(str(SPOKEN)) as file:
        rate, spoken = file.getframerate(), file.readframes(file.getnframes())
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * rate * 8) + spoken + bytes(2 * rate * 120))
    return path


if __name__ == "__main__":
    sys.exit(main())
