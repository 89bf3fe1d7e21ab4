"""A headless Chromium in front of real units."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager

import pytest
from fakes.panel import KEY, PanelHome
from playwright.async_api import async_playwright

from voxbot.admin.static import PANEL

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY_MS = 15_000


def pytest_collection_modifyitems(items):
    missing = []
    if not (PANEL / "index.html").is_file():
        missing.append("the panel is not built (scripts/build_panel.py)")
    if CHROMIUM is None:
        missing.append("no chromium (scripts/test_setup.sh)")
    for item in items:
        if "/tests/panel/" in str(item.path):
            item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.enable_socket)
            item.add_marker(pytest.mark.timeout(180))
            if missing:
                item.add_marker(pytest.mark.skip(reason="; ".join(missing)))


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    made = PanelHome(tmp_path_factory.mktemp("panel"))
    made.make()
    return made


@pytest.fixture(scope="session")
def address(home):
    with home.api() as found:
        yield f"{found}/logs-ui"


@asynccontextmanager
async def opened(*arguments, language="ru", scheme="light", key=KEY, **context):
    """A page in a new browser; `faults` of it collects what the console and scripts complain of."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", *arguments]
        )
        made = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU", **context)
        await made.add_init_script(
            f"localStorage.setItem('voxbot-language', '{language}');"
            f"localStorage.setItem('voxbot-scheme', '{scheme}');"
            + (f"sessionStorage.setItem('voxbot-key', '{key}');" if key else "")
        )
        page = await made.new_page()
        page.set_default_timeout(READY_MS)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
        try:
            yield page
        finally:
            await browser.close()


@pytest.fixture
async def page():
    async with opened() as found:
        yield found
        assert found.faults == []


@pytest.fixture
def open_page():
    return opened
