"""Many tabs of one browser: they share what a browser has little of, and none goes stale."""

import asyncio
import json
import re

from playwright.async_api import expect

LOOK = """(state) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""What a browser does when another tab is chosen; headless, it shows all of them at once."""
TABS = 8


def live_streams(tab):
    """The streams that a tab has begun, and those that it has let go."""
    begun, over = [], []
    tab.on("request", lambda asked: begun.append(asked) if asked.url.endswith("/api/live") else None)
    tab.on("requestfailed", lambda asked: over.append(asked) if asked.url.endswith("/api/live") else None)
    return begun, over


async def test_eight_tabs_share_one_stream_and_all_of_them_work(page, address):
    tabs = [page, *[await page.context.new_page() for _ in range(TABS - 1)]]
    streams = [live_streams(tab)[0] for tab in tabs]
    for tab in tabs:
        await tab.goto(f"{address}/live")
        await expect(tab.get_by_text("Бот не отвечает").first).to_be_visible()
    for tab in reversed(tabs):
        await tab.get_by_role("link", name="Звонки").click()
        await expect(tab.get_by_role("row").nth(3)).to_be_visible()
    assert sum(len(begun) for begun in streams) == 1


async def test_a_hidden_tab_leaves_the_stream_to_one_that_is_seen(page, address):
    first_begun, first_over = live_streams(page)
    await page.goto(f"{address}/live")
    await expect(page.get_by_text("Бот не отвечает").first).to_be_visible()
    second = await page.context.new_page()
    begun, over = live_streams(second)
    await second.goto(f"{address}/live")
    await expect(second.get_by_text("Бот не отвечает").first).to_be_visible()
    assert (len(first_begun), len(begun)) == (1, 0)
    async with second.expect_request("**/api/live"):
        await page.evaluate(LOOK, "hidden")
    await second.evaluate(LOOK, "hidden")
    await until(lambda: len(first_over) == 1 and len(over) == 1)
    async with page.expect_request("**/api/live"):
        await page.evaluate(LOOK, "visible")
    await expect(page.get_by_text("Бот не отвечает").first).to_be_visible()


async def until(holds):
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


def a_page_of_calls(first, cursor):
    calls = [
        {
            "id": f"1772362800.{number}", "caller": f"+7{number}", "start_time": "2026-03-01T12:00:00",
            "end_time": None, "duration_s": 60, "status": "Completed", "kb": "none", "questions": 1, "unanswered": 0,
            "barge_ins": 0, "excerpt": f"разговор {number}",
        }
        for number in range(first, first + 100)
    ]  # fmt: skip
    return {"items": calls, "next_cursor": cursor, "total": 300, "total_is_exact": True}


async def test_the_end_of_a_call_reads_only_the_top_of_the_list_anew(page, address):
    asked, streams = [], []
    ending = asyncio.Event()

    async def calls(route):
        cursor = re.search(r"cursor=(\w*)", route.request.url)[1]
        asked.append(cursor)
        first = {"": 1000, "b": 1100, "c": 1200}[cursor] - (1 if ending.is_set() and not cursor else 0)
        await route.fulfill(json=a_page_of_calls(first, {"": "b", "b": "c", "c": None}[cursor]))

    async def live(route):
        streams.append(route)
        if len(streams) == 1:
            told = [("bot", {"ok": True, "detail": ""}), ("snapshot", {"calls": []})]
        else:
            await ending.wait()
            told = [("ended", {"id": "1772362800.999"})]
        text = "".join(f"event: {name}\ndata: {json.dumps({'bot': 'b', 'now': 1, **data})}\n\n" for name, data in told)
        await route.fulfill(body=text, content_type="text/event-stream")

    await page.route("**/api/calls?*", calls)
    await page.route("**/api/live", live)
    await page.goto(f"{address}/")
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "101")
    await page.get_by_role("grid").focus()
    await page.keyboard.press("End")
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "201")
    await page.keyboard.press("End")
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "301")
    ending.set()
    await page.keyboard.press("Home")
    await expect(page.get_by_text("разговор 999")).to_be_visible()
    assert asked == ["", "b", "c", ""]
    await page.keyboard.press("End")
    await expect(page.get_by_text("разговор 1299")).to_be_visible()
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "302")
