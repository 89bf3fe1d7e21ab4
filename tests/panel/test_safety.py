"""What others wrote stays text; every page can be used by everybody; the first load is small."""

import gzip
import re

import httpx
import pytest
from fakes.panel import HOSTILE_CALL
from fakes.panel_calls import HOSTILE
from playwright.async_api import expect

from voxbot.admin.static import PANEL

AXE = PANEL.parents[3] / "panel" / "node_modules" / "axe-core" / "axe.min.js"
FIRST_LOAD_KB = 300
PAGES = [
    "/", f"/calls/{HOSTILE_CALL}", "/live", "/talk", "/analytics", "/knowledge/general", "/knowledge/search",
    "/knowledge/gaps", "/knowledge/drafts", "/knowledge/backups", "/prompts", "/settings", "/system", "/instruction",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_serious_barrier(open_page, address, scheme):
    async with open_page(scheme=scheme) as page:
        found = {}
        for path in PAGES:
            await page.goto(f"{address}{path}")
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(page.get_by_role("status", name="Загрузка")).to_have_count(0, timeout=30_000)
            await page.evaluate(AXE.read_text(encoding="utf-8"))
            report = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            bad = [
                (fault["id"], [node["html"][:160] for node in fault["nodes"][:3]])
                for fault in report["violations"]
                if fault["impact"] in ("serious", "critical")
            ]
            if bad:
                found[path] = bad
        assert found == {}


async def test_html_in_a_call_a_base_and_a_prompt_is_shown_as_text(page, address, home):
    general, prompts = home.general.read_text(encoding="utf-8"), home.prompts.read_text(encoding="utf-8")
    hostile_prompts = prompts.replace("Чем могу помочь?", HOSTILE.replace('"', '\\"'))
    try:
        home.general.write_text(
            f"{general}\n# {HOSTILE}\n{HOSTILE}\n[ссылка](javascript:window.broken=1)\n", encoding="utf-8"
        )
        home.prompts.write_text(hostile_prompts, encoding="utf-8")
        for path in ("/", f"/calls/{HOSTILE_CALL}", "/knowledge/general", "/prompts"):
            await page.goto(f"{address}{path}")
            words = page.get_by_label("Приветствие") if path == "/prompts" else page.get_by_text("window.broken").first
            await expect(words).to_be_visible()
            if path == "/prompts":
                await expect(words).to_have_value(re.compile("onerror"))
            assert await page.locator("img[src=x]").count() == 0
            assert await page.evaluate("window.broken === undefined")
    finally:
        home.general.write_text(general, encoding="utf-8")
        home.prompts.write_text(prompts, encoding="utf-8")


async def test_no_script_but_the_panels_own_files_may_run(page, address):
    answer = await page.goto(f"{address}/")
    policy = dict(part.strip().split(" ", 1) for part in (answer.headers["content-security-policy"]).split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'self'"
    await page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.broken = 1';"
        "document.head.append(script); }"
    )
    assert await page.evaluate("window.broken === undefined")
    assert len(page.faults) == 1  # the browser says what it refused
    page.faults.clear()


async def test_the_panel_asks_no_other_host(page, address):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{address}/")
    await expect(page.get_by_role("row").nth(3)).to_be_visible()
    host = address.removesuffix("/logs-ui")
    assert [url for url in asked if not url.startswith((host, "data:", "blob:"))] == []


async def test_the_first_load_is_small_and_quick(page, address):
    scripts = []
    page.on("response", lambda answer: scripts.append(answer.url) if answer.url.endswith(".js") else None)
    await page.goto(f"{address}/")
    await expect(page.get_by_role("row").nth(3)).to_be_visible()
    sizes = [len(gzip.compress((PANEL / url.split("/logs-ui/")[1]).read_bytes())) for url in scripts]
    assert len(scripts) > 3
    assert sum(sizes) / 1024 <= FIRST_LOAD_KB
    await page.reload()
    await expect(page.get_by_role("row").nth(3)).to_be_visible()
    timing = await page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert timing < 1000


async def test_english_leaves_no_russian_in_the_frame(open_page, address):
    async with open_page(language="en") as page:
        await page.goto(f"{address}/live")
        await expect(page.get_by_role("heading", name="Live")).to_be_visible()
        assert not re.search("[а-яё]", await page.get_by_role("navigation").inner_text())
        await page.get_by_role("button", name="Перейти на русский").click()
        await expect(page.get_by_role("heading", name="Сейчас")).to_be_visible()
        assert await page.evaluate("document.documentElement.lang") == "ru"


def test_files_are_served_packed_typed_and_within_the_panel(address):
    host = address.removesuffix("/logs-ui")
    with httpx.Client(base_url=host, trust_env=False) as client:
        index = client.get("/logs-ui/calls/1772362800.42")
        assert '<div id="root">' in index.text
        script = re.search(r'src="(/logs-ui/assets/[^"]+\.js)"', index.text)[1]
        served = client.get(script)
        assert served.headers["content-encoding"] == "gzip"
        assert served.headers["content-type"].startswith("text/javascript")
        assert "immutable" in served.headers["cache-control"]
        assert client.get("/logs-ui", follow_redirects=False).headers["location"] == "/logs-ui/"
        assert client.get("/logs-ui/instruction.md").text.startswith("# Инструкция")
        for outside in (
            "/logs-ui/assets/..%2f..%2fstatic.py",
            "/logs-ui/assets/none.js",
            "/logs-ui/instruction/../x.md",
        ):
            assert "import" not in client.get(outside).text
