"""Pages that change what the bot does: prompts, knowledge, settings."""

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import expect

UPLOADED = """# Аренда
Аренда
Разрывную машину можно арендовать на месяц за 90 000 рублей.
<<->>
# Доставка
Доставка
Доставка в Екатеринбург занимает 3 рабочих дня.
"""


async def test_prompts_are_saved_with_the_key_and_the_old_ones_come_back(home, address, open_page):
    async with open_page(key=None) as page:
        await page.goto(f"{address}/prompts")
        greeting = page.get_by_label("Приветствие")
        await expect(greeting).to_have_value(re.compile("Здравствуйте"))
        before = await greeting.input_value()
        await greeting.fill("Добрый день! | Слушаю вас.")
        await page.keyboard.press("Control+s")
        await page.get_by_label("Ключ", exact=True).fill("panel-key")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Промпты сохранены")).to_be_visible()
        assert json.loads(home.prompts.read_text(encoding="utf-8"))["greeting"] == "Добрый день! | Слушаю вас."
        history = page.get_by_role("complementary", name="История")
        await history.get_by_role("button").nth(1).click()
        await expect(page.get_by_role("row").filter(has_text=before)).to_be_visible()
        await page.get_by_role("button", name="Вернуть эти тексты").click()
        await expect(greeting).to_have_value(before)
        assert json.loads(home.prompts.read_text(encoding="utf-8"))["greeting"] == before


async def test_a_prompt_without_context_is_refused_with_the_reason(page, address):
    await page.goto(f"{address}/prompts")
    await page.get_by_label("Как отвечать").fill("Отвечай как хочешь.")
    await expect(page.get_by_role("alert")).to_contain_text("{context}")


async def test_what_is_not_saved_is_not_left_unasked(page, address):
    await page.goto(f"{address}/prompts")
    await page.get_by_label("Приветствие").fill("Алло!")
    asked = []

    async def stay(dialog):
        asked.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_role("link", name="Настройки").click()
    assert asked == ["Правки не сохранены. Уйти со страницы?"]
    await expect(page.get_by_label("Приветствие")).to_have_value("Алло!")
    await page.get_by_role("button", name="Отменить правки").click()


async def test_an_uploaded_base_is_reviewed_published_and_answers(page, address, home):
    before = home.general.read_text(encoding="utf-8")
    await page.goto(f"{address}/knowledge/search")
    await ask(page, "сколько идёт доставка в Екатеринбург")
    await expect(page.locator("ol")).to_contain_text("от 5 до 7")
    await page.get_by_role("tab", name="Общая").click()
    payload = {"name": "прайс.md", "mimeType": "text/markdown", "buffer": UPLOADED.encode()}
    await page.locator("input[type=file]").set_input_files(payload)
    await expect(page.get_by_role("dialog", name="Черновик: прайс.md")).to_be_visible()
    await page.get_by_role("tab", name="Различия").click()
    await expect(page.get_by_role("row").filter(has_text="3 рабочих дня")).to_be_visible()
    await page.get_by_role("tab", name="Проба вопросов").click()
    await page.get_by_label("Вопросы, по одному в строке").fill("можно ли арендовать машину")
    await page.get_by_role("button", name="Спросить").click()
    await expect(page.get_by_text("90 000 рублей")).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="Опубликовать").click()
    await expect(page.get_by_text("База знаний обновлена")).to_be_visible(timeout=60_000)
    await page.get_by_role("tab", name="Проба поиска").click()
    await ask(page, "сколько идёт доставка в Екатеринбург")
    await expect(page.locator("ol")).to_contain_text("3 рабочих дня")
    await expect(page.get_by_text("База знаний обновлена")).to_have_count(0)
    await page.get_by_role("tab", name="Копии").click()
    await page.get_by_role("button", name="Сравнить").first.click()
    await page.get_by_role("button", name="Вернуть этот текст").click()
    await expect(page.get_by_text("База знаний обновлена")).to_be_visible(timeout=60_000)
    assert "от 5 до 7" in home.general.read_text(encoding="utf-8")
    assert before.split("\n")[0] in home.general.read_text(encoding="utf-8")


async def ask(page, question):
    await page.get_by_label("Вопрос звонящего").fill(question)
    await page.get_by_role("button", name="Найти", exact=True).click()


async def test_a_file_that_is_no_base_is_refused_in_words(page, address):
    await page.goto(f"{address}/knowledge/tech")
    payload = {"name": "пусто.md", "mimeType": "text/markdown", "buffer": b"   \n"}
    await page.locator("input[type=file]").set_input_files(payload)
    await expect(page.locator(".mantine-Notification-root")).to_be_visible()
    assert re.search("[а-яё]{4}", await page.locator(".mantine-Notification-root").inner_text())
    page.faults.clear()  # the browser's own line about the refusal


async def test_an_unanswered_question_becomes_a_draft(page, address):
    await page.goto(f"{address}/knowledge/gaps")
    await page.get_by_role("button", name="Добавить в базу").first.click()
    await page.get_by_label("Ответ", exact=True).fill("Да, от шести месяцев.")
    await page.get_by_role("button", name="К проверке").click()
    await expect(page.get_by_role("textbox", name="Текст")).to_have_value(re.compile("Да, от шести месяцев"))


async def test_gaps_are_those_of_the_period_chosen(page, address):
    await page.goto(f"{address}/knowledge/gaps")
    await expect(page.get_by_role("button", name="Добавить в базу").first).to_be_visible()
    async with page.expect_request(re.compile("/api/kb/gaps")) as asking:
        await page.get_by_role("button", name="Вчера").click()
    query = parse_qs(urlsplit((await asking.value).url).query)
    assert query["since"] == query["until"]


async def test_settings_are_found_saved_and_kept_with_their_comments(page, address, home):
    await page.goto(f"{address}/settings")
    await page.get_by_label("Найти настройку").fill("KB_TOP_K")
    field = page.locator("#KB_TOP_K")
    await field.fill("99")
    await expect(page.get_by_role("button", name="Сохранить")).to_be_disabled()
    await field.fill("4")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Настройки сохранены")).to_be_visible()
    assert "# Настройки стенда\n" in home.env_file.read_text(encoding="utf-8")
    assert "KB_TOP_K=4" in home.env_file.read_text(encoding="utf-8")


async def test_a_secret_is_removed(page, address, home):
    before = home.env_file.read_text(encoding="utf-8")
    await page.goto(f"{address}/settings")
    await page.get_by_label("Найти настройку").fill("OPENAI_API_KEY")
    field = page.locator("#OPENAI_API_KEY")
    await field.fill("sk-1")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("задан", exact=True)).to_be_visible()
    assert "OPENAI_API_KEY=sk-1" in home.env_file.read_text(encoding="utf-8")
    await field.fill("x")
    await field.fill("")
    await expect(page.get_by_role("button", name="Сохранить")).to_be_disabled()  # nothing typed is nothing changed
    await page.get_by_role("button", name="Удалить значение: OPENAI_API_KEY").click()
    await expect(page.get_by_text("будет удалён")).to_be_visible()
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("будет удалён")).to_have_count(0)
    await expect(page.get_by_text("задан", exact=True)).to_have_count(0)
    assert "sk-1" not in home.env_file.read_text(encoding="utf-8")
    home.env_file.write_text(before, encoding="utf-8")


async def test_a_broken_file_raises_an_alarm_on_the_system_page(page, address, home):
    good = home.prompts.read_text(encoding="utf-8")
    await page.goto(f"{address}/system")
    await expect(page.get_by_text("Всё в порядке")).to_be_visible()
    try:
        home.prompts.write_text("{", encoding="utf-8")
        await expect(page.get_by_role("alert")).to_contain_text("prompts.json", timeout=15_000)
    finally:
        home.prompts.write_text(good, encoding="utf-8")
    await expect(page.get_by_text("Всё в порядке")).to_be_visible(timeout=15_000)


async def test_analytics_tell_of_the_period_chosen(page, address):
    await page.goto(f"{address}/analytics")
    calls = page.locator("dl > div").first.locator("dd").first
    month = await calls.inner_text()
    assert int(month) >= 61
    await page.get_by_role("button", name="Вчера").click()
    await expect(calls).not_to_have_text(month)
    assert int(await calls.inner_text()) < 61
    await expect(page.get_by_role("heading", name="Вопросы без ответа")).to_be_visible()
