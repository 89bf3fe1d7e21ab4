"""The list of calls and the page of one, as staff use them."""

import re

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


async def test_the_csv_holds_what_was_found(page, address):
    await page.goto(f"{address}/?status=Transferred")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("Переведён")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="CSV").click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    assert "Transferred" in text
    assert "Completed" not in text


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
