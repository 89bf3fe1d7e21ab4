"""What clients of the older API rely on, word for word: the answers stand in contract.json.

After a wanted addition: `UPDATE_CONTRACT=1 python -m pytest tests/admin/test_contract.py`, and read the difference.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

import aiohttp
import pytest
from fakes.api import KEY, ApiLab, at
from fakes.api_knowledge import ApiKnowledge
from fakes.voice import ScriptedAnswerer

from voxbot.domain.dialogue import AnswerInfo

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
FILE = Path(__file__).with_name("contract.json")

REQUESTS = [
    ("GET", "/logs", None),
    ("GET", "/logs?q=прессы&date_from=2026-03-01&date_to=2026-03-31&status=Transferred", None),
    ("GET", "/logs?date_from=вчера", None),
    ("GET", "/logs/csv?status=Completed", None),
    ("GET", "/api/prompts", None),
    ("POST", "/api/prompts", {"greeting": "Добрый день!", "qa_system_prompt": "Коротко.\n{context}"}),
    ("POST", "/api/prompts", {"qa_system_prompt": "Коротко."}),
    ("GET", "/api/settings", None),
    ("POST", "/api/settings", {"kb_top_k": 5, "kb_fallback_threshold": 0.6}),
    ("POST", "/api/settings", {"kb_top_k": 99}),
    (
        "POST",
        "/api/model-settings",
        {"llm_model_primary": "m1", "llm_model_fallback": "m2", "llm_temperature": 0.7},
    ),
    ("POST", "/api/normalize", {"text": "разрывная машина на сто килоньютонов"}),
    ("DELETE", "/logs", None),
    ("GET", "/logs", None),
    ("GET", "/kb", None),
    ("GET", "/kb2", None),
    ("POST", "/kb/upload", ("general.md", "# Доставка\nВезём по всей России.\n")),
    ("POST", "/kb2/upload", ("tech.exe", "MZ")),
    ("GET", "/kb2?missing", None),
]
SAID = ("где вы", "какая погода")
ANSWERS = {"где вы": ("Мы во Владимире. | Приезжайте!", AnswerInfo(kb="general", sources=("c1",), ms={"search": 1.0}))}


@pytest.fixture
async def told(tmp_path):
    """Every request's answer, in order, from one API."""
    answers = {}
    knowledge = ApiKnowledge(tmp_path)
    async with ApiLab(tmp_path) as lab:
        await lab.seed()
        await lab.calls.append_turn(
            "c1",
            {"speaker": "bot", "text": "На Ленина, 5.", "timestamp": "2026-03-01T12:00:09.000", "kb": "general"},
        )
        await lab.calls.start("c4", "=1+1", at("2026-03-04T12:00:00"))
        client = lab.client(**knowledge.environ)
        for number, (method, path, body) in enumerate(REQUESTS, 1):
            if path.endswith("missing"):
                knowledge.tech.unlink()
            sent = {"files": {"file": body}} if isinstance(body, tuple) else {"json": body}
            answer = await client.request(method, path, headers=KEY, **sent)
            is_json = "json" in answer.headers["content-type"]
            answers[f"{number}. {method} {path} {json.dumps(body, ensure_ascii=False) if body else ''}".strip()] = {
                "status": answer.status_code,
                "type": answer.headers["content-type"],
                "body": _body(answer) if is_json else answer.text,
            }
    return answers


def _body(answer):
    """The JSON of an answer; the ids of jobs, other ones each time, by their kind."""
    body = answer.json()
    if not isinstance(body, dict):
        return body
    return {name: _UUID.sub("<uuid>", value) if isinstance(value, str) else value for name, value in body.items()}


@pytest.fixture
async def chatted(tmp_path):
    """What came over `/ws`, frame by frame as text of each answer, and the dialogue's row in the log."""
    async with ApiLab(tmp_path) as lab:
        parts = lab.parts(answerer=ScriptedAnswerer(ANSWERS))
        async with lab.running(parts) as host, aiohttp.ClientSession() as http:
            async with http.ws_connect(f"ws://{host}/ws", params={"callerId": "42"}) as socket:
                frames = [await socket.receive_str()]
                for question in SAID:
                    await socket.send_str(question)
                    said = ""
                    async with asyncio.timeout(10):
                        while not said.endswith((" Приезжайте! ", "Не знаю. ")):
                            said += await socket.receive_str()
                    frames.append(said)
            await lab.logged(lambda rows: rows and rows[0].status == "Completed")
            (row,) = (await lab.client(parts).get("/logs")).json()
    turns = [
        {name: "<time>" if name == "timestamp" else value for name, value in turn.items() if name != "ms"}
        for turn in json.loads(row["transcript_json"])
    ]
    return {"frames": frames, "row": {name: type(value).__name__ for name, value in row.items()}, "turns": turns}


@pytest.mark.enable_socket
def test_the_answers_are_those_of_the_contract(told, chatted):
    told["WS /ws?callerId=42"] = chatted
    if os.environ.get("UPDATE_CONTRACT"):
        FILE.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    expected = json.loads(FILE.read_text(encoding="utf-8"))
    assert list(told) == list(expected)
    for request, answer in told.items():
        assert answer == expected[request], request
        assert json.dumps(answer) == json.dumps(expected[request]), f"{request}: the order of keys"
