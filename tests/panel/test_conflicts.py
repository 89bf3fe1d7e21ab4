"""Two people at once: nobody's text is lost unseen."""

import json
import re

import httpx
import pytest
from fakes.panel import KEY
from playwright.async_api import expect

GREETING, QA = "Здравствуйте! | Чем могу помочь?", "Отвечай только по справке.\n\n{context}"


@pytest.fixture
def colleague(address):
    """Somebody else, who saves over the API."""
    host = address.removesuffix("/logs-ui")
    with httpx.Client(base_url=host, headers={"X-API-Key": KEY}, trust_env=False) as client:
        yield client


@pytest.fixture
async def page(page):
    """The page; the browser's own lines about refusals are no faults."""
    yield page
    page.faults[:] = [fault for fault in page.faults if "409" not in fault]


@pytest.fixture
def prompts(home, colleague):
    """The prompts as the file holds them; the former ones come back."""
    yield lambda: json.loads(home.prompts.read_text(encoding="utf-8"))
    colleague.post("/api/prompts", json={"greeting": GREETING, "qa_system_prompt": QA}).raise_for_status()


async def open_prompts(page, address):
    await page.goto(f"{address}/prompts")
    await expect(page.get_by_label("Приветствие")).to_have_value(GREETING)


async def test_a_colleagues_prompts_are_shown_and_may_stay(page, address, colleague, prompts):
    await open_prompts(page, address)
    await page.get_by_label("Приветствие").fill("Алло, слушаю!")
    await page.get_by_label("Как отвечать").fill("Отвечай вежливо.\n{context}")
    colleague.post("/api/prompts", json={"greeting": "Добрый вечер!"}).raise_for_status()
    await page.get_by_role("button", name="Сохранить").click()
    dialog = page.get_by_role("dialog", name="Пока вы правили, промпты сохранил кто-то другой")
    await expect(dialog.get_by_role("row").filter(has_text="Добрый вечер!").first).to_be_visible()
    await expect(dialog.get_by_role("row").filter(has_text="Алло, слушаю!")).to_be_visible()
    assert prompts()["greeting"] == "Добрый вечер!"
    await dialog.get_by_role("button", name="Взять чужое").click()
    await expect(page.get_by_label("Приветствие")).to_have_value("Добрый вечер!")
    await expect(page.get_by_label("Как отвечать")).to_have_value("Отвечай вежливо.\n{context}")
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Промпты сохранены")).to_be_visible()
    assert (prompts()["greeting"], prompts()["qa_system_prompt"]) == ("Добрый вечер!", "Отвечай вежливо.\n{context}")


async def test_my_prompts_may_go_over_a_colleagues_whose_other_texts_stay(page, address, colleague, prompts):
    await open_prompts(page, address)
    await page.get_by_label("Приветствие").fill("Алло, слушаю!")
    changed = {"greeting": "Добрый вечер!", "qa_system_prompt": "Отвечай кратко.\n{context}"}
    colleague.post("/api/prompts", json=changed).raise_for_status()
    await page.keyboard.press("Control+s")
    await page.get_by_role("dialog").get_by_role("button", name="Оставить моё").click()
    await expect(page.get_by_text("Промпты сохранены")).to_be_visible()
    assert (prompts()["greeting"], prompts()["qa_system_prompt"]) == ("Алло, слушаю!", "Отвечай кратко.\n{context}")


async def test_a_colleagues_settings_are_shown_and_one_is_chosen(page, address, colleague, home):
    def save(**values):
        colleague.post("/api/settings/values", json={"values": values}).raise_for_status()

    save(KB_TOP_K=3)
    await page.goto(f"{address}/settings")
    await page.get_by_label("Найти настройку").fill("KB_TOP_K")
    field = page.locator("#KB_TOP_K")
    await field.fill("6")
    save(LLM_TEMPERATURE=0.4)
    await page.get_by_role("button", name="Сохранить").click()
    await expect(page.get_by_text("Настройки сохранены")).to_be_visible()  # another one is no conflict
    await field.fill("7")
    save(KB_TOP_K=9)
    await page.get_by_role("button", name="Сохранить").click()
    dialog = page.get_by_role("dialog", name="Пока вы правили, эти настройки изменил кто-то другой")
    await expect(dialog.locator("dd")).to_have_text(["6", "9", "7"])
    await dialog.get_by_role("button", name="Взять чужое").click()
    await expect(field).to_have_value("9")
    assert "KB_TOP_K=9" in home.env_file.read_text(encoding="utf-8")
    await field.fill("7")
    save(KB_TOP_K=8)
    await page.get_by_role("button", name="Сохранить").click()
    await dialog.get_by_role("button", name="Оставить моё").click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("button", name="Сохранить")).to_be_disabled()
    written = home.env_file.read_text(encoding="utf-8")
    assert "KB_TOP_K=7" in written
    assert "LLM_TEMPERATURE=0.4" in written
    save(KB_TOP_K=3, LLM_TEMPERATURE=None)


async def publish(colleague, kb, text):
    """Publish a text; give the job's end."""
    accepted = colleague.post(f"/kb{'' if kb == 'general' else '2'}/upload", files={"file": ("a.md", text.encode())})
    with colleague.stream("GET", accepted.json()["job_url"] + "/events", timeout=60) as told:
        assert '"done"' in told.read().decode()


async def test_a_base_published_meanwhile_is_shown_before_it_is_replaced(page, address, colleague, home):
    before = home.tech.read_text(encoding="utf-8")
    await page.goto(f"{address}/knowledge/tech")
    await page.get_by_role("button", name="Править").click()
    editor = page.get_by_role("textbox", name="Текст")
    await expect(editor).to_have_value(re.compile("копёр МК-300"))
    await publish(colleague, "tech", f"{before}<<->>\n# Лизинг\nЛизинг на три года.\n")
    await editor.fill(f"{before}<<->>\n# Рассрочка\nРассрочка на год.\n")
    await page.get_by_role("button", name="Сохранить черновик").click()
    await expect(page.get_by_text("Черновик сохранён")).to_be_visible()
    await page.get_by_role("button", name="Опубликовать").click()
    dialog = page.get_by_role("dialog", name="Пока вы правили, база знаний изменилась")
    await expect(dialog.get_by_role("row").filter(has_text="Лизинг на три года")).to_be_visible()
    await dialog.get_by_role("button", name="Оставить базу коллеги").click()
    await expect(page.get_by_text("ваш текст ждёт в черновиках")).to_be_visible()
    await expect(page.get_by_text("Лизинг на три года").first).to_be_visible()
    await page.get_by_role("tab", name="Черновики").click()
    await page.get_by_role("button", name="Проверить").first.click()
    await expect(page.get_by_text("база с тех пор изменилась")).to_be_visible()
    await page.get_by_role("button", name="Опубликовать").click()
    await dialog.get_by_role("button", name="Опубликовать моё").click()
    await expect(page.get_by_text("База знаний обновлена")).to_be_visible(timeout=60_000)
    now = home.tech.read_text(encoding="utf-8")
    assert "Рассрочка на год" in now
    assert "Лизинг" not in now
    await publish(colleague, "tech", before)


async def test_what_a_colleague_published_is_taken_into_the_draft(page, address, colleague, home):
    before = home.tech.read_text(encoding="utf-8")
    await page.goto(f"{address}/knowledge/tech")
    await page.get_by_role("button", name="Править").click()
    editor = page.get_by_role("textbox", name="Текст")
    await expect(editor).to_have_value(re.compile("копёр МК-300"))
    await publish(colleague, "tech", f"{before}<<->>\n# Лизинг\nЛизинг на три года.\n")
    await editor.fill(before.replace("1050 кг", "1060 кг"))
    await page.get_by_role("button", name="Сохранить черновик").click()
    await page.get_by_role("button", name="Опубликовать").click()
    dialog = page.get_by_role("dialog", name="Пока вы правили, база знаний изменилась")
    await dialog.get_by_role("button", name="Взять изменения в черновик").click()
    await expect(editor).to_have_value(re.compile("1060 кг.*Лизинг на три года", re.DOTALL))
    await page.get_by_role("button", name="Сохранить черновик").click()
    await page.get_by_role("button", name="Опубликовать").click()
    await expect(page.get_by_text("База знаний обновлена")).to_be_visible(timeout=60_000)
    now = home.tech.read_text(encoding="utf-8")
    assert "1060 кг" in now
    assert "Лизинг на три года" in now
    await publish(colleague, "tech", before)


async def test_an_answer_to_a_gap_loses_no_section_that_a_colleague_published(page, address, colleague, home):
    before = home.general.read_text(encoding="utf-8")
    await page.goto(f"{address}/knowledge/gaps")
    await page.get_by_role("button", name="Добавить в базу").first.click()
    form = page.get_by_role("dialog", name="Добавить в базу")
    await form.get_by_text("Общая", exact=True).click()
    await form.get_by_label("Заголовок раздела").fill("Есть ли кафе")
    await form.get_by_label("Ответ", exact=True).fill("Да, на первом этаже.")
    await form.get_by_role("button", name="К проверке").click()
    editor = page.get_by_role("textbox", name="Текст")
    await expect(editor).to_have_value(re.compile("<<->>\n# Есть ли кафе\nЕсть ли кафе\nДа, на первом этаже"))
    await page.get_by_role("tab", name="Фрагменты").click()
    await expect(page.get_by_role("listitem").last.locator("b")).to_have_text("Есть ли кафе")
    await page.get_by_role("tab", name="Текст").click()
    await publish(colleague, "general", f"{before}<<->>\n# Лизинг\nЛизинг на три года.\n")
    await editor.press_sequentially(" ")
    await page.get_by_role("button", name="Сохранить черновик").click()
    await page.get_by_role("button", name="Опубликовать").click()
    dialog = page.get_by_role("dialog", name="Пока вы правили, база знаний изменилась")
    await expect(dialog.get_by_text("встанут рядом оба текста")).to_be_visible()
    await dialog.get_by_role("button", name="Взять изменения в черновик").click()
    await page.get_by_role("button", name="Сохранить черновик").click()
    await page.get_by_role("button", name="Опубликовать").click()
    await expect(page.get_by_text("База знаний обновлена")).to_be_visible(timeout=60_000)
    now = home.general.read_text(encoding="utf-8")
    assert "Лизинг на три года" in now
    assert "Да, на первом этаже" in now
    await publish(colleague, "general", before)


async def test_a_draft_rewritten_by_a_colleague_is_shown_before_it_is_saved(page, address, colleague):
    draft = colleague.post("/api/kb/drafts", json={"kb": "tech", "name": "Общий", "text": "# А\nОдин.\n"}).json()
    place = f"/api/kb/drafts/{draft['id']}"
    await page.goto(f"{address}/knowledge/drafts")
    await page.get_by_role("listitem").filter(has_text="Общий").get_by_role("button", name="Проверить").click()
    editor = page.get_by_role("textbox", name="Текст")
    await editor.fill("# А\nДва.\n")
    colleague.put(place, json={"text": "# А\nТри.\n"}).raise_for_status()
    await page.get_by_role("button", name="Сохранить черновик").click()
    dialog = page.get_by_role("dialog", name="Пока вы правили, черновик переписал кто-то другой")
    await expect(dialog.get_by_role("row").filter(has_text="Три.").first).to_be_visible()
    await dialog.get_by_role("button", name="Вернуться к правке").click()
    await expect(editor).to_have_value("# А\nДва.\n")
    await page.get_by_role("button", name="Сохранить черновик").click()
    await dialog.get_by_role("button", name="Оставить моё").click()
    await expect(page.get_by_text("Черновик сохранён")).to_be_visible()
    assert "Два." in colleague.get(place).json()["text"]
    colleague.delete(place)
