"""Uploading, reviewing, publishing and restoring knowledge bases as a client does it."""

import asyncio
import json
import os

import pytest
from fakes.api import KEY, ApiLab, at
from fakes.api_knowledge import GENERAL, TECH, ApiKnowledge, Killed
from fakes.documents import make_bomb, make_docx, make_pdf

from voxbot.admin.jobs.runner import Progress
from voxbot.domain.errors import IndexBusyError, KnowledgeError, ProviderUnavailableError

NEW = "# Доставка\nВезём по всей России за десять дней.\n<<->>\n# Оплата\nОплатить можно картой или по счёту.\n"


@pytest.fixture
async def lab(tmp_path):
    async with ApiLab(tmp_path) as opened:
        yield opened


@pytest.fixture
async def knowledge(tmp_path):
    return await ApiKnowledge(tmp_path).built()


@pytest.fixture
async def client(lab, knowledge):
    return lab.client(lab.parts(knowledge=knowledge, **knowledge.environ))


def a_file(name, content):
    return {"file": (name, content.encode() if isinstance(content, str) else content)}


async def over(client, accepted):
    """The job's states as a page that watches it sees them; the last one is its end."""
    assert accepted.status_code == 202, accepted.text
    told = await client.get(f"{accepted.json()['job_url']}/events")
    return [json.loads(line.removeprefix("data: ")) for line in told.text.split("\n") if line.startswith("data: ")]


async def test_both_bases_are_read_in_the_shape_of_the_contract(client):
    assert (await client.get("/kb")).json() == {"text": GENERAL}
    assert (await client.get("/kb2")).json() == {"text": TECH}


async def test_an_upload_replaces_the_base_and_keeps_what_was_there(client, knowledge):
    accepted = await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY)
    assert set(accepted.json()) == {"message", "job_id", "job_url"}
    end = (await over(client, accepted))[-1]
    assert (end["state"], end["error"], end["result"]["documents"]) == ("done", "", {"general": 2, "tech": 2})
    text = (await client.get("/kb")).json()["text"]
    assert text.startswith("# Доставка\nДоставка\nВезём"), "headings are repeated as a plain line"
    found = (await client.get("/api/kb/search", params={"q": "как оплатить картой", "kb": "general"})).json()
    assert found["hits"][0]["title"] == "Оплата"
    (backup,) = (await client.get("/api/kb/backups", params={"kb": "general"})).json()
    assert backup["name"] == end["result"]["backup"]
    assert (knowledge.folder / "backups" / backup["name"]).read_text(encoding="utf-8") == GENERAL
    assert (await client.get("/api/kb/drafts")).json() == []


async def test_a_backup_is_compared_and_restored(client):
    await over(client, await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY))
    (backup,) = (await client.get("/api/kb/backups")).json()
    place = f"/api/kb/backups/general/{backup['name']}"
    assert (await client.get(place)).json() == {"text": GENERAL}
    seen = (await client.get(f"{place}/diff")).json()
    assert "+Оплатить можно картой или по счёту." in seen["diff"]
    assert "-Мы делаем испытательные машины с 1998 года." in seen["diff"]
    end = (await over(client, await client.post(f"{place}/restore", headers=KEY)))[-1]
    assert end["state"] == "done"
    assert "1998" in (await client.get("/kb")).json()["text"]
    assert len((await client.get("/api/kb/backups")).json()) == 2
    assert (await client.get("/api/kb/backups/tech/" + backup["name"])).status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("каталог.docx", make_docx(("Heading 1", "Оплата"), ("Normal", "Оплатить можно картой."))),
        ("каталог.pdf", make_pdf([("Оплата", 18, True), None, ("Оплатить можно картой.", 10, False)])),
        ("каталог.txt", "1. Оплата\n\nОплатить можно картой.\n".encode("cp1251")),
    ],
)
async def test_word_pdf_and_text_files_become_a_base(client, name, content):
    end = (await over(client, await client.post("/kb2/upload", files=a_file(name, content), headers=KEY)))[-1]
    assert end["state"] == "done", end
    assert (await client.get("/kb2")).json()["text"] == "# Оплата\nОплата\n\nОплатить можно картой.\n"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.exe", b"MZ", "type"),
        ("a.md", b"", "empty"),
        ("a.md", b"   \n", "empty"),
        ("a.md", "цены".encode("cp1251"), "undecodable"),
        ("a.md", b"# Only\n## Headings\n", "no_chunks"),
        ("a.pdf", make_pdf([("x", 10, False)], encrypted=True), "encrypted"),
        ("a.docx", make_bomb(), "bomb"),
    ],
)
async def test_what_cannot_be_a_base_is_refused_and_the_old_one_stays(client, knowledge, name, content, code):
    refused = await client.post("/kb/upload", files=a_file(name, content), headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert knowledge.general.read_text(encoding="utf-8") == GENERAL
    assert knowledge.builds == 0
    assert (await client.get("/api/kb/drafts")).json() == []


async def test_a_file_over_the_limit_is_refused(lab, knowledge):
    client = lab.client(lab.parts(knowledge=knowledge, KB_UPLOAD_MAX_MB="1", **knowledge.environ))
    for megabytes in (1.1, 5):  # a little over, and far over
        refused = await client.post("/kb/upload", files=a_file("a.md", b"x" * int(megabytes * 2**20)), headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert "1 МБ" in refused.json()["detail"]


async def test_everything_that_writes_takes_the_key(client):
    for method, path in (
        ("POST", "/kb/upload"), ("POST", "/kb2/upload"), ("POST", "/api/kb/drafts"), ("POST", "/api/kb/drafts/upload"),
        ("PUT", "/api/kb/drafts/x"), ("DELETE", "/api/kb/drafts/x"), ("POST", "/api/kb/drafts/x/publish"),
        ("POST", "/api/kb/drafts/x/trial"), ("POST", "/api/kb/backups/general/x/restore"),
        ("POST", "/api/live/x/hangup"), ("POST", "/api/live/x/transfer"), ("POST", "/api/calls/x/replay"),
    ):  # fmt: skip
        body = {"files": a_file("a.md", NEW)} if "upload" in path else {"json": {}}
        assert (await client.request(method, path, **({} if method == "DELETE" else body))).status_code in (401, 422)
        wrong = await client.request(method, path, headers={"X-API-Key": "wrong"})
        assert wrong.status_code in (401, 422)


async def test_a_failing_build_leaves_file_and_index_as_they_were(client, knowledge):
    knowledge.failures.append(KnowledgeError("диск полон"))
    end = (await over(client, await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY)))[-1]
    assert (end["state"], end["error"]) == ("failed", "диск полон")
    assert knowledge.general.read_text(encoding="utf-8") == GENERAL
    assert [path.name for path in knowledge.folder.glob(".*")] == []
    (draft,) = (await client.get("/api/kb/drafts")).json()
    again = await client.post(f"/api/kb/drafts/{draft['id']}/publish", headers=KEY)
    assert (await over(client, again))[-1]["state"] == "done"


async def test_a_job_that_a_restart_broke_off_is_done_after_it(lab, knowledge):
    """The first process is stopped in the middle of the build; the second one finishes what it began."""
    knowledge.gate.clear()
    parts = lab.parts(knowledge=knowledge, **knowledge.environ)
    client = lab.client(parts)
    accepted = await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY)
    await knowledge.building.wait()
    first = next(task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == "run")
    first.cancel()
    await asyncio.wait({first})
    job = (await client.get(accepted.json()["job_url"])).json()
    assert (job["state"], job["attempts"]) == ("queued", 0)
    assert knowledge.general.read_text(encoding="utf-8") == GENERAL
    knowledge.gate.set()
    restarted = lab.client(lab.parts(knowledge=knowledge, **knowledge.environ))
    assert (await over(restarted, accepted))[-1]["state"] == "done"
    assert "Оплата" in (await restarted.get("/kb")).json()["text"]


async def test_an_index_that_another_program_builds_is_waited_for(client, knowledge):
    knowledge.failures += [IndexBusyError("x")] * 3
    states = await over(client, await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY))
    assert states[-1]["state"] == "done"
    assert knowledge.builds == 4


async def test_a_provider_that_is_down_is_tried_again(client, knowledge):
    knowledge.failures += [ProviderUnavailableError("yandex", "503")] * 2
    end = (await over(client, await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY)))[-1]
    assert (end["state"], end["attempts"]) == ("done", 3)


# --- drafts ------------------------------------------------------------------------------------


async def test_a_draft_is_looked_at_corrected_and_published(client):
    text = f"{NEW}<<->>\n# Пусто\n"
    made = await client.post("/api/kb/drafts/upload", files=a_file("new.md", text), data={"kb": "tech"}, headers=KEY)
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["kb"], draft["name"]) == ("tech", "new.md")
    review = draft["review"]
    assert [chunk["title"] for chunk in review["chunks"]] == ["Доставка", "Оплата"]
    assert (review["added"], review["removed"]) == (2, 2)
    assert [found["title"] for found in review["empty_headings"]] == ["Пусто"]
    place = f"/api/kb/drafts/{draft['id']}"
    assert (await client.put(place, json={"text": "# Пусто"}, headers=KEY)).json()["code"] == "no_chunks"
    corrected = (await client.put(place, json={"text": NEW}, headers=KEY)).json()
    assert corrected["review"]["empty_headings"] == []
    assert "+Везём по всей России за десять дней." in (await client.get(f"{place}/diff")).json()["diff"]
    assert (await client.get("/kb2")).json()["text"] == TECH, "nothing is live yet"
    assert (await over(client, await client.post(f"{place}/publish", headers=KEY)))[-1]["state"] == "done"
    assert "Оплата" in (await client.get("/kb2")).json()["text"]
    assert (await client.get(place)).status_code == 404


async def test_a_draft_is_asked_before_it_is_live(client):
    draft = (await client.post("/api/kb/drafts", json={"kb": "general", "text": NEW}, headers=KEY)).json()
    asked = {"questions": ["можно ли оплатить картой", "какой у вас адрес"]}
    end = (await over(client, await client.post(f"/api/kb/drafts/{draft['id']}/trial", json=asked, headers=KEY)))[-1]
    assert end["state"] == "done", end
    pay, address = end["result"]["questions"]
    assert "картой" in pay["after"]["text"]
    assert "картой" not in pay["before"]["text"]
    assert "Испытателей" in address["before"]["text"]
    assert "Испытателей" not in address["after"]["text"]
    assert (await client.get("/kb")).json()["text"] == GENERAL


async def test_a_draft_is_published_once_however_often_the_button_is_pressed(client, knowledge):
    draft = (await client.post("/api/kb/drafts", json={"kb": "general", "text": NEW}, headers=KEY)).json()
    knowledge.gate.clear()
    place = f"/api/kb/drafts/{draft['id']}/publish"
    first, second = [await client.post(place, headers=KEY) for _ in range(2)]
    assert first.json() == second.json()
    knowledge.gate.set()
    assert (await over(client, first))[-1]["state"] == "done"


async def test_a_question_without_an_answer_becomes_a_section(client):
    new = {"kb": "general", "title": "Рассрочка", "text": "Рассрочка даётся на шесть месяцев."}
    draft = (await client.post("/api/kb/drafts/section", json=new, headers=KEY)).json()
    assert draft["name"] == "Раздел «Рассрочка»"
    assert (draft["review"]["added"], draft["review"]["removed"]) == (1, 0)
    assert draft["review"]["chunks"][-1]["headings"] == ["Рассрочка"], "of no other section"
    await over(client, await client.post(f"/api/kb/drafts/{draft['id']}/publish", headers=KEY))
    found = (await client.get("/api/kb/search", params={"q": "есть ли рассрочка", "k": 1})).json()
    assert found["hits"][0]["title"] == "Рассрочка"


@pytest.mark.parametrize("name", ["../../x\0y\n.md", "C:\\docs\\цены.md", "-\r\n.md", "🙂" * 300 + ".md"])
async def test_a_name_of_any_kind_harms_nobody(client, name):
    made = await client.post("/api/kb/drafts/upload", files=a_file(name, NEW), data={"kb": "tech"}, headers=KEY)
    assert made.status_code == 201, made.text
    assert "/" not in made.json()["name"]
    assert made.json()["name"].isprintable()


async def test_a_draft_is_deleted(client):
    draft = (await client.post("/api/kb/drafts", json={"kb": "general", "text": NEW}, headers=KEY)).json()
    assert (await client.delete(f"/api/kb/drafts/{draft['id']}", headers=KEY)).status_code == 204
    assert (await client.get("/api/kb/drafts")).json() == []


@pytest.mark.parametrize("draft_id", ["..", "%2e%2e", "0" * 32, "x"])
async def test_a_draft_that_is_not_there(client, draft_id):
    assert (await client.get(f"/api/kb/drafts/{draft_id}")).status_code == 404


async def test_text_that_no_file_can_hold_is_refused(client):
    body = json.dumps({"kb": "general", "text": "# А\nтекст \\ud800"}).replace("\\\\", "\\")
    refused = await client.post("/api/kb/drafts", content=body, headers={**KEY, "Content-Type": "application/json"})
    assert refused.status_code == 422


# --- trying out --------------------------------------------------------------------------------


async def test_the_search_is_tried_out(client):
    found = (await client.get("/api/kb/search", params={"q": "масса РЭМ-100", "k": 1})).json()
    assert (found["route"], found["used"], found["fallback"]) == ("tech", "tech", False)
    (hit,) = found["hits"]
    assert hit["title"] == "Разрывная машина РЭМ-100"
    assert 0 < hit["score"] <= 1
    assert found["ms"]["total"] >= found["ms"]["search"]


async def test_without_an_index_the_search_says_what_to_do(lab):
    refused = await lab.client().get("/api/kb/search", params={"q": "адрес"})
    assert refused.status_code == 409
    assert "voxbot kb build" in refused.json()["detail"]


async def test_questions_without_an_answer_are_grouped(client, lab):
    for number, question in enumerate(("есть ли рассрочка", "а рассрочка у вас есть", "какая погода")):
        call = f"c{number}"
        await lab.calls.start(call, "7", 1.0e9 + number)
        stamp = "2026-03-01T12:00:05.000"
        await lab.calls.append_turn(call, {"speaker": "user", "text": question, "timestamp": stamp})
        await lab.calls.append_turn(
            call, {"speaker": "bot", "text": "Этого я не знаю.", "timestamp": stamp, "known": False}
        )
    found = (await client.get("/api/kb/gaps", params={"limit": 1})).json()
    assert (found["questions"], found["calls"]) == (3, 3)
    assert "рассрочка" in found["gaps"][0]["examples"][0]
    assert (await client.get("/api/kb/gaps", params={"since": "вчера"})).json()["code"] == "bad_date"


async def test_questions_without_an_answer_are_those_of_the_period(client, lab):
    for day in (1, 2, 3):
        stamp = f"2026-03-0{day}T12:00:05.000"
        await lab.calls.start(f"c{day}", "7", at(f"2026-03-0{day}T12:00:00"))
        await lab.calls.append_turn(f"c{day}", {"speaker": "user", "text": f"рассрочка {day}", "timestamp": stamp})
        turn = {"speaker": "bot", "text": "Этого я не знаю.", "timestamp": stamp, "known": False}
        await lab.calls.append_turn(f"c{day}", turn)

    async def found(**period):
        return (await client.get("/api/kb/gaps", params=period)).json()["questions"]

    assert await found(until="2026-03-02") == 2
    assert await found(since="2026-03-02", until="2026-03-02") == 1
    assert await found(since="2026-03-02", until="2026-03-02T11:00:00") == 0
    assert await found(since="2026-03-02") == 2


async def test_jobs_are_listed(client):
    accepted = await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY)
    await over(client, accepted)
    (job,) = (await client.get("/api/jobs")).json()
    assert (job["id"], job["kind"], job["subject"]) == (accepted.json()["job_id"], "kb_publish", "general")
    assert (await client.get("/api/jobs", params={"unfinished": True})).json() == []
    assert (await client.get("/api/jobs/nothing/events")).status_code == 404


async def a_section(client, title):
    section = {"kb": "general", "title": title, "text": f"{title}: спросите менеджера."}
    draft = (await client.post("/api/kb/drafts/section", headers=KEY, json=section)).json()
    return await client.post(f"/api/kb/drafts/{draft['id']}/publish", headers=KEY)


async def a_draft(client, kb="general", text="# Луна\nЛуна далеко.\n"):
    return (await client.post("/api/kb/drafts", headers=KEY, json={"kb": kb, "text": text})).json()


async def test_sections_that_wait_for_each_other_are_all_there_in_the_end(client, knowledge):
    knowledge.gate.clear()
    waiting = [await a_section(client, title) for title in ("Рассрочка", "Лизинг")]
    knowledge.gate.set()
    assert [(await over(client, accepted))[-1]["state"] for accepted in waiting] == ["done", "done"]
    text = (await client.get("/kb")).json()["text"]
    assert [text.count(f"# {title}") for title in ("Рассрочка", "Лизинг", "Адрес")] == [1, 1, 1]


async def test_a_draft_of_an_older_base_is_not_put_over_a_newer_one_unseen(client):
    draft = await a_draft(client)
    await over(client, await a_section(client, "Лизинг"))
    place = f"/api/kb/drafts/{draft['id']}"
    refused = await client.post(f"{place}/publish", headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "base_changed")
    assert "Лизинг" in (await client.get(f"{place}/diff")).json()["diff"]
    corrected = {"text": "# Луна\nЛуна далеко, как и лизинг.\n"}
    unseen = await client.put(place, headers=KEY, json=corrected)
    assert (unseen.status_code, unseen.json()["code"]) == (409, "base_changed")
    seen = (await client.get(f"{place}/meanwhile")).json()
    await client.put(place, headers=KEY, json={**corrected, "base": seen["base"]})
    assert (await over(client, await client.post(f"{place}/publish", headers=KEY)))[-1]["state"] == "done"


async def test_an_edit_that_took_long_shows_what_changed_in_the_base_meanwhile(client):
    """Saved as a draft it still belongs to the base that it was written over."""
    place = f"/api/kb/drafts/{(await a_draft(client))['id']}"
    read = await client.get(place)
    assert read.json()["base_changed"] is False
    assert (await client.get(f"{place}/meanwhile")).json()["diff"] == ""
    await over(client, await a_section(client, "Лизинг"))
    corrected = {"text": "# Луна\nЛуна очень далеко.\n", "base": read.json()["base"]}
    saved = await client.put(place, json=corrected, headers={**KEY, "If-Match": read.headers["etag"]})
    assert saved.json()["base_changed"] is True
    refused = await client.post(f"{place}/publish", headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "base_changed")
    meanwhile = (await client.get(f"{place}/meanwhile")).json()
    assert "+Лизинг: спросите менеджера." in meanwhile["diff"]
    assert meanwhile["removed"] == 0
    mine = await client.post(f"{place}/publish", params={"over_changes": True}, headers=KEY)
    assert (await over(client, mine))[-1]["state"] == "done"
    assert "Лизинг" not in (await client.get("/kb")).json()["text"]


async def test_what_changed_in_the_base_is_taken_into_the_draft(client):
    text = (await client.get("/kb")).json()["text"]
    place = f"/api/kb/drafts/{(await a_draft(client, text=text.replace('дом 14', 'дом 15')))['id']}"
    await over(client, await a_section(client, "Лизинг"))
    seen = (await client.get(f"{place}/meanwhile")).json()
    assert seen["both"] == 0
    await client.put(place, headers=KEY, json={"text": seen["merged"], "base": seen["base"]})
    assert (await over(client, await client.post(f"{place}/publish", headers=KEY)))[-1]["state"] == "done"
    text = (await client.get("/kb")).json()["text"]
    assert "дом 15" in text
    assert "Лизинг: спросите менеджера." in text


async def test_an_edited_section_is_not_put_over_what_was_published_meanwhile(client):
    section = {"kb": "general", "title": "Рассрочка", "text": "Есть."}
    made = (await client.post("/api/kb/drafts/section", json=section, headers=KEY)).json()
    await over(client, await a_section(client, "Лизинг"))
    place = f"/api/kb/drafts/{made['id']}"
    edited = {"text": f"{made['text']}\n", "base": made["base"]}
    assert (await client.put(place, json=edited, headers=KEY)).json()["base_changed"] is True
    refused = await client.post(f"{place}/publish", headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "base_changed")
    assert "Лизинг" in (await client.get(f"{place}/meanwhile")).json()["merged"]


async def test_what_changed_is_not_told_of_a_base_that_nobody_kept(client, knowledge):
    draft = await a_draft(client)
    knowledge.general.write_text("# Марс\nДалеко.\n", encoding="utf-8")
    answer = await client.get(f"/api/kb/drafts/{draft['id']}/meanwhile")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_base")


async def test_a_text_of_an_older_base_is_no_draft_of_the_newer_one(client):
    tag = (await client.get("/kb")).headers["etag"]
    await over(client, await a_section(client, "Лизинг"))
    new = {"kb": "general", "text": "# Луна\nДалеко.\n"}
    refused = await client.post("/api/kb/drafts", json=new, headers={**KEY, "If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (409, "base_changed")
    tag = (await client.get("/kb")).headers["etag"]
    assert (await client.post("/api/kb/drafts", json=new, headers={**KEY, "If-Match": tag})).status_code == 201


async def test_two_people_on_one_draft_do_not_overwrite_each_other(client):
    place = f"/api/kb/drafts/{(await a_draft(client))['id']}"
    seen = {**KEY, "If-Match": (await client.get(place)).headers["etag"]}
    assert (await client.put(place, json={"text": "# Луна\nБлизко.\n"}, headers=seen)).status_code == 200
    refused = [
        await client.put(place, json={"text": "# Луна\nРядом.\n"}, headers=seen),
        await client.post(f"{place}/publish", headers=seen),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "draft_changed")] * 2
    assert "Близко" in (await client.get(place)).json()["text"]


async def test_a_section_is_added_to_a_base_that_changed_since_it_was_looked_at(client):
    section = {"kb": "general", "title": "Рассрочка", "text": "Есть."}
    made = await client.post("/api/kb/drafts/section", json=section, headers=KEY)
    await over(client, await a_section(client, "Лизинг"))
    seen = {**KEY, "If-Match": made.headers["etag"]}
    accepted = await client.post(f"/api/kb/drafts/{made.json()['id']}/publish", headers=seen)
    assert (await over(client, accepted))[-1]["state"] == "done"


async def test_a_draft_whose_base_changes_while_it_waits_is_refused_by_its_job(client, knowledge):
    knowledge.gate.clear()
    first, second = [
        await client.post(f"/api/kb/drafts/{(await a_draft(client, text=text))['id']}/publish", headers=KEY)
        for text in ("# Луна\nДалеко.\n", "# Марс\nДальше.\n")
    ]
    knowledge.gate.set()
    assert (await over(client, first))[-1]["state"] == "done"
    end = (await over(client, second))[-1]
    assert end["state"] == "failed"
    assert "изменилась" in end["error"]
    assert "Луна" in (await client.get("/kb")).json()["text"]


async def test_where_no_backup_can_be_kept_neither_file_nor_index_changes(client, knowledge):
    (knowledge.folder / "backups").write_text("a file, no folder")
    accepted = await client.post("/kb/upload", headers=KEY, files=a_file("a.md", "# Луна\nДалеко.\n"))
    end = (await over(client, accepted))[-1]
    assert end["state"] == "failed"
    assert "копия" in end["error"]
    found = (await client.get("/api/kb/search", params={"q": "адрес Владимир", "kb": "general"})).json()
    assert "Владимир" in found["hits"][0]["text"]
    assert "Владимир" in (await client.get("/kb")).json()["text"]
    assert not list(knowledge.folder.glob(".*.new"))


@pytest.mark.parametrize("noted", [True, False])
async def test_a_job_killed_at_its_very_end_is_done_and_not_failed(lab, knowledge, noted):
    parts = lab.parts(**knowledge.environ)
    client = lab.client(parts)
    work = knowledge.work(parts.source, parts.normalize)
    section = {"kb": "general", "title": "Лизинг", "text": "Через банк."}
    draft = (await client.post("/api/kb/drafts/section", headers=KEY, json=section)).json()
    job = await parts.jobs.add("kb_publish", "general", {"draft": draft["id"]})
    first = await work.publish(job, Progress())
    if not noted:  # killed before the result was written down
        found = work.drafts.find_any(draft["id"])
        work.drafts.note(found, result=None)
    again = await work.publish(job, Progress())
    assert again["documents"] == first["documents"]
    assert knowledge.general.read_text(encoding="utf-8").count("# Лизинг") == 1
    assert len((await client.get("/api/kb/backups")).json()) == 1
    assert (await client.get(f"/api/kb/drafts/{draft['id']}")).status_code == 404


async def test_a_draft_is_published_once_when_asked_for_at_once(client, knowledge):
    draft = await a_draft(client)
    pressed = [client.post(f"/api/kb/drafts/{draft['id']}/publish", headers=KEY) for _ in range(3)]
    answers = await asyncio.gather(*pressed)
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert (await over(client, answers[0]))[-1]["state"] == "done"


async def test_what_waits_to_be_published_is_neither_changed_nor_deleted(client, knowledge):
    knowledge.gate.clear()
    draft = await a_draft(client)
    place = f"/api/kb/drafts/{draft['id']}"
    accepted = await client.post(f"{place}/publish", headers=KEY)
    refused = [
        await client.put(place, headers=KEY, json={"text": "# Венера\nДругое.\n"}),
        await client.delete(place, headers=KEY),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "draft_busy")] * 2
    knowledge.gate.set()
    assert (await over(client, accepted))[-1]["state"] == "done"


async def test_a_base_of_another_encoding_is_not_made_unreadable_for_good(client, knowledge):
    knowledge.general.write_bytes("# Цены\nПресс стоит 5 рублей.\n".encode("cp1251"))
    section = {"kb": "general", "title": "Лизинг", "text": "Через банк."}
    refused = await client.post("/api/kb/drafts/section", headers=KEY, json=section)
    assert refused.status_code == 409
    assert "UTF-8" in refused.json()["detail"]
    await over(client, await client.post("/kb/upload", headers=KEY, files=a_file("a.md", NEW)))
    (backup,) = (await client.get("/api/kb/backups")).json()
    refused = await client.post(f"/api/kb/backups/general/{backup['name']}/restore", headers=KEY)
    assert (refused.status_code, "UTF-8" in refused.json()["detail"]) == (409, True)


async def test_a_base_of_another_encoding_is_not_written_over_by_what_the_page_shows_of_it(client, knowledge):
    draft = await a_draft(client)
    assert "x-text-lossy" not in (await client.get("/kb")).headers
    knowledge.general.write_bytes("# Цены\nПресс стоит 5 рублей.\n".encode("cp1251"))
    read = await client.get("/kb")
    assert (list(read.json()), read.headers["x-text-lossy"]) == (["text"], "true")
    new = {"kb": "general", "text": read.json()["text"]}
    refused = [
        await client.post("/api/kb/drafts", headers=KEY, json=new),
        await client.put(f"/api/kb/drafts/{draft['id']}", headers=KEY, json={"text": new["text"]}),
    ]
    assert [(answer.status_code, "UTF-8" in answer.json()["detail"]) for answer in refused] == [(409, True)] * 2


async def test_what_a_killed_process_left_of_an_upload_is_deleted_in_time(client, lab):
    left = lab.folder / "data" / "kb-drafts" / ("0" * 32)
    left.mkdir(parents=True)
    (left / "source.pdf").write_bytes(b"x")
    os.utime(left, (0, 0))
    await a_draft(client)
    assert not left.exists()


async def test_where_the_file_cannot_be_replaced_the_search_answers_from_it_as_before(client, knowledge):
    """A folder of its name lets nothing be renamed over it; the refused text must not be found."""
    knowledge.gate.clear()
    accepted = await client.post("/kb/upload", headers=KEY, files=a_file("a.md", "# Луна\nДалеко.\n"))
    await knowledge.building.wait()
    text = knowledge.general.read_bytes()
    knowledge.general.unlink()
    knowledge.general.mkdir()
    knowledge.gate.set()
    end = (await over(client, accepted))[-1]
    assert end["state"] == "failed"
    knowledge.general.rmdir()
    knowledge.general.write_bytes(text)
    found = (await client.get("/api/kb/search", params={"q": "адрес Владимир", "kb": "general"})).json()
    assert "Владимир" in found["hits"][0]["text"]


async def test_where_the_index_cannot_be_switched_the_file_is_as_before(client, knowledge):
    knowledge.gate.clear()
    accepted = await client.post("/kb/upload", headers=KEY, files=a_file("a.md", "# Луна\nДалеко.\n"))
    await knowledge.building.wait()
    knowledge.unswitchable = True
    knowledge.gate.set()
    end = (await over(client, accepted))[-1]
    assert (end["state"], "CURRENT" in end["error"] or "индекс" in end["error"]) == ("failed", True)
    assert knowledge.general.read_text(encoding="utf-8") == GENERAL


async def test_a_section_is_added_to_what_somebody_wrote_into_the_file_meanwhile(client, knowledge):
    knowledge.gate.clear()
    accepted = await a_section(client, "Рассрочка")
    await knowledge.building.wait()
    knowledge.general.write_text(GENERAL + "<<->>\n## Правка\nРукой.\n", encoding="utf-8")
    knowledge.gate.set()
    assert (await over(client, accepted))[-1]["state"] == "done"
    text = (await client.get("/kb")).json()["text"]
    assert ("Рукой" in text, "Рассрочка" in text) == (True, True)


async def test_a_job_killed_between_the_file_and_the_index_is_finished_by_the_next_start(lab, knowledge):
    parts = lab.parts(**knowledge.environ)
    client = lab.client(parts)
    work = knowledge.work(parts.source, parts.normalize)
    draft = await a_draft(client)
    job = await parts.jobs.add("kb_publish", "general", {"draft": draft["id"]})
    knowledge.dies_before_switch = True
    with pytest.raises(Killed):
        await work.publish(job, Progress())
    knowledge.general.write_text(draft["text"], encoding="utf-8")  # what a killed process cannot put back
    knowledge.failures.append(KnowledgeError("диск полон"))
    with pytest.raises(KnowledgeError):
        await work.publish(job, Progress())
    assert knowledge.general.read_text(encoding="utf-8") == GENERAL, "file and index are of one text"
    knowledge.general.write_text(draft["text"], encoding="utf-8")
    done = await work.publish(job, Progress())
    assert done["documents"] == {"general": 1, "tech": 2}
    assert done["backup"]


async def test_a_job_that_two_processes_do_at_once_is_done(lab, knowledge):
    parts = lab.parts(**knowledge.environ)
    draft = await a_draft(lab.client(parts))
    job = await parts.jobs.add("kb_publish", "general", {"draft": draft["id"]})
    work = knowledge.work(parts.source, parts.normalize)
    both = await asyncio.gather(*(work.publish(job, Progress()) for _ in range(2)))
    assert [done["documents"] for done in both] == [{"general": 1, "tech": 2}] * 2
    assert "Луна" in knowledge.general.read_text(encoding="utf-8")
