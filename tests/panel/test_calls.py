"""The list of calls and the page of one, as staff use them."""

import csv
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fakes.panel import PanelHome
from playwright.async_api import expect


async def test_search_filter_and_open_a_call(page, address):
    await page.goto(f"{address}/")
    await expect(page.get_by_role("row").nth(5)).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("доставляете")
    await expect(page.get_by_role("row").nth(1)).to_contain_text(re.compile("доставляете", re.IGNORECASE))
    await page.get_by_role("button", name="Завершён").click()
    assert "status=Completed" in page.url
    await page.keyboard.press("/")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/calls/"))
    await expect(page.get_by_role("heading", name="Разговор")).to_be_visible()
    await expect(page.get_by_text(re.compile("доставляете", re.IGNORECASE)).first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("searchbox")).to_have_value("доставляете")


async def test_a_search_finds_other_forms_of_a_word(page, address):
    await page.goto(f"{address}/?q=поверкой")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("оверка")


async def test_an_answer_shows_its_base_its_sources_and_where_its_time_went(page, address):
    await page.goto(f"{address}/?kb=general&q=доставляете")
    await page.get_by_role("row").nth(1).click()
    answer = page.get_by_role("listitem").filter(has_text="[general]").filter(has=page.get_by_role("button")).first
    await answer.get_by_role("button", name=re.compile("источник")).click()
    await expect(answer.get_by_text("Поиск", exact=True)).to_be_visible()
    await expect(answer.get_by_text("Ответ через")).to_be_visible()
    await expect(answer.get_by_text(re.compile(r"^0,\d\d$")).first).to_be_visible()


async def test_a_recorded_call_plays_from_a_turn(page, address, home):
    await page.goto(f"{address}/calls/{home.recorded}")
    await expect(page.get_by_role("slider")).to_be_visible()
    await expect(page.locator("svg path").first).to_be_visible()
    length = await page.evaluate(
        "() => new Promise((done) => { const a = document.querySelector('audio');"
        "a.readyState ? done(a.duration) : a.addEventListener('loadedmetadata', () => done(a.duration)) })"
    )
    assert length == 40
    await page.get_by_title("Слушать с этого места").last.click()
    assert await page.evaluate("document.querySelector('audio').currentTime") > 1


async def test_replay_sets_todays_answers_beside_those_of_then(page, address):
    await page.goto(f"{address}/?kb=general&q=доставляете")
    await page.get_by_role("row").nth(1).click()
    await page.get_by_role("button", name="Повторить с нынешними").click()
    await expect(page.get_by_text(re.compile("Изменилось ответов"))).to_be_visible()
    await expect(page.get_by_text("Сейчас", exact=True).last).to_be_visible()


async def test_sorting_by_length_puts_the_longest_on_top(page, address):
    await page.goto(f"{address}/")
    await page.get_by_role("button", name="Длит.").click()
    await expect(page.get_by_role("columnheader", name="Длит.")).to_have_attribute("aria-sort", "descending")
    await page.wait_for_function(
        "() => { const cells = [...document.querySelectorAll('[role=row] [role=gridcell]:nth-child(4)')]"
        ".map((cell) => { const [m, s] = cell.textContent.split(':').map(Number); return m * 60 + s; });"
        "return cells.length > 5 && cells.every((cell, i) => !i || cells[i - 1] >= cell); }"
    )


async def saved_ids(page):
    """The ids in the file that the page saves, and where it comes from."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="CSV").click()
    found = await saving.value
    with (await found.path()).open(encoding="utf-8-sig", newline="") as file:
        return [row["id"] for row in csv.DictReader(file, delimiter=";")], found.url


@pytest.mark.parametrize(
    ("shown", "asked"),
    [
        ("?status=Transferred&status=Completed&kb=general", "status=Transferred&status=Completed&kb=general"),
        ("?unanswered=1&kb=none", "unanswered=true&kb=none"),
        ("?kb=tech&q=машина", "kb=tech&q=машина"),
    ],
)
async def test_the_csv_holds_what_is_on_the_screen(page, address, shown, asked):
    async with httpx.AsyncClient(base_url=address.removesuffix("/logs-ui"), trust_env=False) as client:
        found = (await client.get(f"/api/calls?{asked}&limit=200")).json()
    assert 0 < found["total"] < 60
    await page.goto(f"{address}/{shown}")
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(found["total"] + 1))
    ids, _ = await saved_ids(page)
    assert ids == [call["id"] for call in found["items"]]


async def test_with_a_key_the_csv_goes_straight_to_disk(home, open_page):
    with home.api(API_HOST="0.0.0.0") as found:
        async with open_page(key=None) as page:
            await page.goto(f"{found.replace('0.0.0.0', '127.0.0.1')}/logs-ui/?status=Transferred")
            await page.get_by_label("Ключ", exact=True).fill("panel-key")
            await page.get_by_role("button", name="Продолжить").click()
            await expect(page.get_by_role("row").nth(1)).to_contain_text("Переведён")
            ids, url = await saved_ids(page)
            assert ids
            assert url.startswith("http")  # and not of a file in the browser's memory
            assert "panel-key" not in url


async def test_days_are_those_of_the_service(open_page, address):
    now = datetime.now().astimezone()
    away = ("Etc/GMT-14", 14), ("Etc/GMT+12", -12)
    far = next(zone for zone, hours in away if (now.astimezone(UTC) + timedelta(hours=hours)).day != now.day)
    async with open_page(timezone_id=far) as page:
        await page.goto(f"{address}/")
        await expect(page.get_by_role("row").nth(3)).to_be_visible()
        assert await page.evaluate("new Date().getDate()") != now.day
        await page.get_by_role("button", name="Сегодня").click()
        await page.wait_for_url(re.compile("from="))
        assert parse_qs(urlsplit(page.url).query) == {"from": [f"{now:%Y-%m-%d}"], "to": [f"{now:%Y-%m-%d}"]}
        await expect(page.get_by_role("button", name="Сегодня")).to_have_attribute("aria-pressed", "true")


async def test_a_call_leads_to_what_the_exchange_did_with_it_where_the_notifier_knows_it(page, address, home):
    notified, unknown = await home.notify()
    await page.goto(f"{address}/calls/{notified}")
    link = page.get_by_role("link", name="Ход звонка через АТС")
    await expect(link).to_have_attribute("href", re.compile(rf"/call/details/{re.escape(notified)}\?e=0367&"))
    async with page.expect_response(re.compile("/trace$")):
        await page.goto(f"{address}/calls/{unknown}")
    await expect(page.get_by_role("heading", name="О звонке")).to_be_visible()
    await expect(link).to_have_count(0)


async def test_nothing_found_says_so(page, address):
    await page.goto(f"{address}/?q=оранжерея")
    await expect(page.get_by_text("Ничего не найдено")).to_be_visible()
    await page.get_by_role("button", name="Сбросить").click()
    await expect(page.get_by_role("row").nth(5)).to_be_visible()


async def test_deleting_all_asks_first_and_takes_the_key(tmp_path, open_page):
    home = PanelHome(tmp_path)
    await home.fill(5)
    with home.api() as found:
        async with open_page(key=None) as page:
            await page.goto(f"{found}/logs-ui/")
            await expect(page.get_by_role("row").nth(3)).to_be_visible()
            await page.get_by_role("button", name="Ещё").click()
            await page.get_by_role("menuitem", name="Удалить все звонки").click()
            await page.get_by_role("dialog").get_by_role("button", name="Удалить все звонки").click()
            await page.get_by_label("Ключ", exact=True).fill("не тот")
            await page.get_by_role("button", name="Продолжить").click()
            await expect(page.get_by_text("Ключ не подошёл")).to_be_visible()
            await page.get_by_label("Ключ", exact=True).fill("panel-key")
            await page.get_by_role("button", name="Продолжить").click()
            await expect(page.get_by_text("Удалено звонков: 6")).to_be_visible()
            await expect(page.get_by_text("Звонков ещё не было")).to_be_visible()
