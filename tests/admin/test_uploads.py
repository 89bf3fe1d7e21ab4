"""Uploads when the disk is full and when the unit is stopped; lists of what they leave, page by page."""

import asyncio
import dataclasses
import json
import resource

import httpx
import pytest
from fakes.api import KEY, running_api
from fakes.api_knowledge import GENERAL, TECH, ApiKnowledge
from fakes.openai_server import openai_server

from voxbot.store.jobs import JobRepository

NEW = "# Доставка\nВезём по всей России за десять дней.\n<<->>\n# Оплата\nОплатить можно картой или по счёту.\n"


@pytest.fixture
async def knowledge(tmp_path):
    return await ApiKnowledge(tmp_path).built()


@pytest.fixture
async def client(lab, knowledge):
    return lab.client(lab.parts(knowledge=knowledge, **knowledge.environ))


def a_file(name, content):
    return {"file": (name, content.encode())}


async def test_an_upload_that_would_fill_the_disk_is_refused_before_anything_is_written(lab, knowledge):
    asked = []

    def nearly_full(path):
        asked.append(path)
        return 10 << 20

    parts = dataclasses.replace(lab.parts(knowledge=knowledge, **knowledge.environ), free_bytes=nearly_full)
    client = lab.client(parts)
    for place, data in (("/kb/upload", {}), ("/api/kb/drafts/upload", {"kb": "general"})):
        refused = await client.post(place, files=a_file("new.md", NEW), data=data, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (507, "no_space")
        assert "свободно 10 МБ" in refused.json()["detail"]
    assert asked
    assert not (lab.folder / "data" / "kb-drafts").exists()
    assert knowledge.builds == 0


async def test_a_disk_that_fills_up_meanwhile_is_told_of_and_leaves_no_draft(client, lab):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, limits[1]))
    try:
        refused = await client.post("/kb/upload", files=a_file("new.md", NEW * 2_000), headers=KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refused.status_code == 409
    assert "проверьте диск" in refused.json()["detail"]
    assert list((lab.folder / "data" / "kb-drafts").iterdir()) == []


async def pages_of(client, path, key, **params):
    """All pages of a list, by the cursor of each answer."""
    pages, cursor = [], ""
    while True:
        answer = await client.get(path, params={**params, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        pages.append([row[key] for row in answer.json()])
        cursor = answer.headers.get("x-next-cursor")
        if cursor is None:
            return pages


async def test_lists_of_drafts_and_backups_are_read_page_by_page(client, knowledge):
    for number in range(5):
        await client.post("/api/kb/drafts", json={"kb": "tech", "name": f"{number}", "text": NEW}, headers=KEY)
    assert await pages_of(client, "/api/kb/drafts", "name", limit=2) == [["4", "3"], ["2", "1"], ["0"]]
    folder = knowledge.folder / "backups"
    folder.mkdir()
    names = [f"knowledge_base{kb}_2026-03-0{day}_12-00-00.md.bak" for day in (3, 2, 1) for kb in ("", "2")]
    for name in names:
        (folder / name).write_text(TECH, encoding="utf-8")
    pages = await pages_of(client, "/api/kb/backups", "name", limit=4)
    assert [len(page) for page in pages] == [4, 2]
    assert sorted(name for page in pages for name in page) == sorted(names)
    assert pages[0][0].endswith("_2026-03-03_12-00-00.md.bak")
    assert await pages_of(client, "/api/kb/backups", "name", limit=2, kb="tech") == [[names[1], names[3]], [names[5]]]
    other = (await client.get("/api/kb/drafts", params={"limit": 2})).headers["x-next-cursor"]
    assert (await client.get("/api/kb/drafts", params={"cursor": other[:-3]})).json()["code"] == "bad_cursor"


@pytest.mark.enable_socket
async def test_a_unit_that_is_stopped_during_an_uploads_job_resumes_it_at_its_next_start(lab, knowledge):
    """The real unit, which SIGTERM stops while the embeddings of the new base are being made."""
    asked, gate = asyncio.Event(), asyncio.Event()

    async def held(texts):
        asked.set()
        await gate.wait()
        return await knowledge.embedder.embed_documents(texts)

    async with openai_server() as server:
        server.embeddings.embed = held
        environ = {
            **knowledge.environ, "EMBEDDINGS_PROVIDER": "openai", "OPENAI_API_KEY": "sk-1",
            "OPENAI_BASE_URL": server.base_url, "LLM_PROVIDER": "extractive",
            "PERSIST_DIRECTORY": str(lab.folder / "other-index"),
        }  # fmt: skip
        async with running_api(lab.folder, **environ) as address, httpx.AsyncClient(base_url=address) as client:
            accepted = (await client.post("/kb/upload", files=a_file("new.md", NEW), headers=KEY)).json()
            async with asyncio.timeout(60):
                await asked.wait()
            assert (await client.get(accepted["job_url"])).json()["state"] == "running"
        job = await JobRepository(lab.database).get(accepted["job_id"])
        assert (job.state, job.attempts) == ("queued", 0)
        assert knowledge.general.read_text(encoding="utf-8") == GENERAL
        gate.set()
        async with running_api(lab.folder, **environ) as address, httpx.AsyncClient(base_url=address) as client:
            told = await client.get(f"{accepted['job_url']}/events", timeout=60)
            assert json.loads(told.text.strip().split("\n")[-1].removeprefix("data: "))["state"] == "done"
            assert "Оплата" in (await client.get("/kb")).json()["text"]
