"""Who is let in: names of the server, pages of others, bodies without end."""

from __future__ import annotations

import pytest
from fakes.api import KEY
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from voxbot.admin.app import create_app


@pytest.mark.parametrize(
    ("host", "environ", "status"),
    [
        ("127.0.0.1:9000", {}, 200),
        ("localhost:9000", {}, 200),
        ("LOCALHOST", {}, 200),
        ("[::1]:9000", {}, 200),
        ("192.168.1.5:9000", {}, 200),
        ("evil.example", {}, 403),
        ("127.0.0.1.evil.example", {}, 403),
        ("localhost@evil.example", {}, 403),
        ("", {}, 403),
        ("bot.example:80", {"API_ALLOWED_HOSTS": "a.example,Bot.Example"}, 200),
        ("anything.example", {"API_ALLOWED_HOSTS": "*"}, 200),
        ("bot.example", {"API_HOST": "bot.example", "API_OPEN_READS": "true"}, 200),
    ],
)
async def test_a_page_that_points_its_name_at_this_machine_reads_nothing(lab, host, environ, status):
    answer = await lab.client(**environ).get("/logs", headers={"host": host})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "unknown_host"
        assert "API_ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        (None, True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:5173", False),
        ("https://evil.example", False),
        ("http://203.0.113.5", False),
        ("null", False),
    ],
)
async def test_a_websocket_is_for_pages_of_this_server(lab, origin, welcome):
    app = create_app(lab.parts())

    async def echo(websocket):
        await websocket.accept()
        await websocket.close(4000)

    app.router.routes.append(WebSocketRoute("/echo", echo))
    client = TestClient(app, base_url="http://127.0.0.1:9000")
    headers = {"host": "127.0.0.1:9000", **({"origin": origin} if origin else {})}
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/echo", headers=headers) as socket:
        socket.receive_text()
    assert (closed.value.code == 4000) == welcome


async def test_a_body_without_end_is_cut_off(lab):
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 64 * 1024 * 1024:
            sent += 65536
            yield b" " * 65536

    headers = {**KEY, "content-type": "application/json"}
    answer = await lab.client().post("/api/prompts", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert sent < 4 * 1024 * 1024
    answer = await lab.client().post("/api/prompts", content=b" " * 3_000_000, headers=headers)
    assert answer.status_code == 413


async def test_without_a_configured_key_nothing_can_be_changed(lab):
    answer = await lab.client(API_SECRET_KEY="").delete("/logs", headers={"X-API-Key": ""})
    assert (answer.status_code, answer.json()["code"]) == (403, "key_not_configured")


@pytest.mark.parametrize(
    ("method", "path", "fetch", "more", "welcome"),
    [
        ("GET", "/logs", "same-origin/cors", {}, True),
        ("GET", "/logs", "none/navigate", {}, True),
        ("GET", "/logs", "same-site/cors", {}, True),
        ("GET", "/logs", "cross-site/no-cors", {}, False),
        ("GET", "/logs", "cross-site/navigate", {}, False),
        ("GET", "/logs-ui", "cross-site/navigate", {}, True),
        ("GET", "/logs-ui/calls", "cross-site/navigate", {}, True),
        ("GET", "/logs-ui/calls", "cross-site/no-cors", {}, False),
        ("POST", "/logs-ui/calls", "cross-site/navigate", {}, False),
        ("POST", "/api/normalize", "cross-site/cors", {"origin": "https://evil.example"}, False),
        ("POST", "/api/normalize", "cross-site/cors", {"origin": "https://own.example"}, True),
    ],
)
async def test_pages_of_other_sites_ask_nothing_of_the_api(lab, method, path, fetch, more, welcome):
    site, mode = fetch.split("/")
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, **more}
    client = lab.client(API_ALLOWED_HOSTS="own.example")
    answer = await client.request(method, path, headers=headers, json={"text": "х"} if method == "POST" else None)
    refused = answer.status_code == 403 and answer.json()["code"] == "cross_site"
    assert refused != welcome, answer.text


@pytest.mark.parametrize(
    ("path", "environ"),
    [("/kb/upload", {}), ("/api/prompts", {}), ("/api/normalize", {"API_HOST": "0.0.0.0"})],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json"])
async def test_a_strangers_body_is_not_parsed(lab, path, environ, kind):
    """What cannot be parsed is a 400 or 422 once somebody tries."""
    client, sent = lab.client(**environ), 0

    async def body():
        nonlocal sent
        for _ in range(20):
            sent += 1
            yield b"no form, no JSON"

    for headers in ({}, {"x-api-key": "wrong"}, {"x-api-key": ""}):
        answer = await client.post(path, content=body(), headers={"content-type": kind, **headers})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert sent == 60, "a browser that is cut off would show no answer"
    known = await client.post(path, content=body(), headers={"content-type": kind, **KEY})
    assert known.status_code in (400, 422)
