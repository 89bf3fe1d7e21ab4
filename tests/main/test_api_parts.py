"""The API as the unit puts it together: real embedder, index, agent and jobs, over a real server."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json

import aiohttp
import pytest

from voxbot.main.admin import Server, listen
from voxbot.main.api_parts import open_parts
from voxbot.settings.loader import load_settings
from voxbot.settings.snapshot import SettingsSource

pytestmark = pytest.mark.enable_socket

KEY = {"X-API-Key": "k"}
GENERAL = "# Адрес\nНаш адрес: город Владимир, улица Испытателей, дом 14.\n"
NEW = "# Рассрочка\nРассрочка на машины даётся на двенадцать месяцев без процентов.\n"


@pytest.fixture
async def serving(tmp_path):
    """Give `host:port` of an API on two small bases without an index."""
    (tmp_path / "general.md").write_text(GENERAL, encoding="utf-8")
    (tmp_path / "tech.md").write_text("# РЭМ-100\nМасса машины РЭМ-100 составляет 1050 кг.\n", encoding="utf-8")
    environ = {
        "DATA_DIR": str(tmp_path / "data"),
        "KNOWLEDGE_BASE_PATH": str(tmp_path / "general.md"),
        "KNOWLEDGE_BASE2_PATH": str(tmp_path / "tech.md"),
        "PROMPTS_FILE_PATH": str(tmp_path / "prompts.json"),
        "API_SECRET_KEY": "k",
        "API_PORT": "0",
        "PROMPTS_HOT_RELOAD": "false",
    }
    env_file = tmp_path / ".env"
    env_file.touch()
    source = SettingsSource(lambda: load_settings(env_file, environ), env_file, environ)
    async with open_parts(source) as parts:
        listening = listen(source.current.api)
        with contextlib.closing(listening), contextlib.redirect_stdout(io.StringIO()):
            server = Server(parts, listening)
            running = asyncio.create_task(server.serve([listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            yield f"127.0.0.1:{listening.getsockname()[1]}"
            server.should_exit = True
            await running


async def test_an_uploaded_base_answers_the_next_question(serving):
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(f"ws://{serving}/ws?format=json") as chat:
            assert (await chat.receive_json())["type"] == "greeting"
            form = aiohttp.FormData()
            form.add_field("file", NEW.encode(), filename="new.md")
            accepted = await (await http.post(f"http://{serving}/kb/upload", data=form, headers=KEY)).json()
            told = await (await http.get(f"http://{serving}{accepted['job_url']}/events")).text()
            end = json.loads([line for line in told.split("\n") if line.startswith("data: ")][-1][6:])
            assert (end["state"], end["error"]) == ("done", "")
            await chat.send_str("на сколько даётся рассрочка")
            answer = await chat.receive_json()
            assert "двенадцать месяцев" in answer["text"]
        found = await (await http.get(f"http://{serving}/api/kb/search", params={"q": "масса РЭМ-100"})).json()
        assert found["hits"][0]["kb"] == "tech"
