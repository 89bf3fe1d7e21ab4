"""The description of the API: complete, in Russian, and true."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest
from fakes.api import ApiLab, running_api

_METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
async def schema(serve):
    return (await serve().get("/openapi.json")).json()


def operations(schema):
    for path, methods in schema["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def test_every_model_is_described_in_russian_with_examples(schema):
    models = schema["components"]["schemas"]
    own = {name: model for name, model in models.items() if "properties" in model and not name.startswith("Body_")}
    assert [name for name, model in own.items() if not re.search("[а-яё]", model.get("description", ""))] == []
    bare = []
    for name, model in own.items():
        for field, about in model["properties"].items():
            refers = "$ref" in str(about)
            if not ("examples" in about or "const" in about or refers):
                bare.append(f"{name}.{field}")
    assert bare == []


def test_every_operation_is_described_in_russian(schema):
    shown = [schema["info"]["summary"]]
    for _, operation in operations(schema):
        shown += [operation["summary"], operation["description"]]
        shown += [parameter["description"] for parameter in operation.get("parameters", [])]
    assert [text for text in shown if not re.search("[а-яё]", text)] == []


def test_errors_are_described_as_the_problems_that_they_are(schema):
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    for name, operation in operations(schema):
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"], name
        if "422" in operation["responses"]:
            assert list(operation["responses"]["422"]["content"]) == ["application/problem+json"], name


async def test_everything_that_changes_something_takes_the_key(serve, schema):
    """Reading is free here; what asks for the key with a configured one must refuse without it."""
    free = {"POST /api/normalize", "POST /api/prompts/check", "POST /api/tickets"}
    client = serve()
    for name, _ in operations(schema):
        method, path = name.split()
        if method == "GET" or name in free:
            continue
        answer = await client.request(method, re.sub(r"\{\w+\}", "20260301-140509-123456", path), json={})
        assert answer.status_code == 401, name


@pytest.mark.enable_socket
@pytest.mark.timeout(600)
async def test_no_request_that_the_schema_allows_ends_in_a_server_error(tmp_path):
    """Schemathesis asks a running unit everything, key included; answers have the status and shape they should."""
    async with ApiLab(tmp_path) as lab:
        await lab.seed()
    async with running_api(tmp_path) as address:
        asking = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{address}/openapi.json",
            "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--header=X-API-Key: k",
            "--max-examples=12",
            "--seed=6",
            "--request-timeout=30",
            "--suppress-health-check=all",
            "--no-color",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await asking.communicate()
    assert asking.returncode == 0, told.decode()[-8000:]
