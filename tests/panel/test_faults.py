"""What fails in the panel says so in words and can be left."""

import re

from playwright.async_api import expect


async def test_a_part_that_cannot_be_loaded_says_so_and_is_left(page, address):
    await page.route("**/assets/prompts-*.js", lambda route: route.fulfill(status=404, body=""))
    await page.goto(f"{address}/")
    await page.get_by_role("link", name="Промпты").click()
    await expect(page.get_by_role("alert")).to_contain_text("Часть панели не загрузилась")
    await page.get_by_role("link", name="Звонки").click()
    await expect(page.get_by_role("row").nth(3)).to_be_visible()
    await page.unroute_all()
    await page.get_by_role("link", name="Промпты").click()
    await page.get_by_role("button", name="Загрузить заново").click()
    await expect(page.get_by_label("Приветствие")).to_be_visible()
    page.faults.clear()


async def test_after_an_upgrade_the_page_is_loaded_anew_once(page, address):
    loads = []
    page.on("request", lambda asked: loads.append(asked.url) if asked.is_navigation_request() else None)

    async def upgraded(route):
        if route.request.is_navigation_request():
            return await route.continue_()
        answer = await route.fetch()
        return await route.fulfill(
            response=answer, body=re.sub(r"/assets/index-", "/assets/newer-", await answer.text())
        )

    async def gone(route):
        await (route.continue_() if len(loads) > 1 else route.fulfill(status=404, body=""))

    await page.route(re.compile("/logs-ui/$"), upgraded)
    await page.route("**/assets/prompts-*.js", gone)
    await page.goto(f"{address}/")
    await page.get_by_role("link", name="Промпты").click()
    await expect(page.get_by_label("Приветствие")).to_be_visible()
    assert [url.removeprefix(address) for url in loads] == ["/", "/prompts"]
    page.faults.clear()


async def test_a_page_that_breaks_leaves_the_others(page, address):
    await page.route("**/api/analytics?*", lambda route: route.fulfill(json={"totals": None}))
    await page.goto(f"{address}/analytics")
    await expect(page.get_by_role("alert")).to_contain_text("Страница не открылась")
    await page.get_by_role("link", name="Звонки").click()
    await expect(page.get_by_role("row").nth(3)).to_be_visible()
    page.faults.clear()


async def test_any_id_is_the_address_of_its_call(page, address):
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/api/calls/" in request.url else None)
    for written in ("50%25", "50%", "SIP%2F100-1"):
        asked.clear()
        await page.goto(f"{address}/calls/{written}")
        await expect(page.get_by_role("alert")).to_contain_text("Такого звонка")
        assert asked[0].split("/api/calls/")[1] == written.replace("50%25", "50%").replace("50%", "50%25")
    page.faults.clear()
