"""What clients of the older API rely on, word for word: the answers stand in contract.json.

After a wanted addition: `UPDATE_CONTRACT=1 python -m pytest tests/admin/test_contract.py`, and read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakes.api import KEY, ApiLab, at

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
]


@pytest.fixture
async def told(tmp_path):
    """Every request's answer, in order, from one API."""
    answers = {}
    async with ApiLab(tmp_path) as lab:
        await lab.seed()
        await lab.calls.append_turn(
            "c1",
            {"speaker": "bot", "text": "На Ленина, 5.", "timestamp": "2026-03-01T12:00:09.000", "kb": "general"},
        )
        await lab.calls.start("c4", "=1+1", at("2026-03-04T12:00:00"))
        client = lab.client()
        for number, (method, path, body) in enumerate(REQUESTS, 1):
            answer = await client.request(method, path, json=body, headers=KEY)
            is_json = "json" in answer.headers["content-type"]
            answers[f"{number}. {method} {path} {json.dumps(body, ensure_ascii=False) if body else ''}".strip()] = {
                "status": answer.status_code,
                "type": answer.headers["content-type"],
                "body": answer.json() if is_json else answer.text,
            }
    return answers


def test_the_answers_are_those_of_the_contract(told):
    if os.environ.get("UPDATE_CONTRACT"):
        FILE.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    expected = json.loads(FILE.read_text(encoding="utf-8"))
    assert list(told) == list(expected)
    for request, answer in told.items():
        assert answer == expected[request], request
        assert json.dumps(answer) == json.dumps(expected[request]), f"{request}: the order of keys"
