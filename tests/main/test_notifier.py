"""The unit `notifier` as a process: a host's calls in, a manager's chat out."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
from fakes.call_events import sample
from fakes.telegram_server import telegram_server
from phone import running_unit

from voxbot.domain.errors import ConfigError, PortBusyError
from voxbot.main import notifier
from voxbot.settings.loader import load_settings

pytestmark = pytest.mark.enable_socket


@pytest.fixture
async def telegram():
    async with telegram_server() as server:
        yield server


@pytest.fixture
def environ(tmp_path, telegram):
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "NOTIFIER_PORT": "0",
        "TELEGRAM_API_BASE": telegram.base_url,
        "SUPERUSER_TG_ID": "100009",
    }


async def voxbot(folder, environ, *arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voxbot", "notifier", *arguments, "--json", cwd=folder, env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def add_enterprise(folder, environ):
    enterprise = ("--number", "0367", "--token", "375290000001", "--bot-token", "1000001:AAA", "--name", "Ромашка")
    return await voxbot(folder, environ, "enterprises", "add", *enterprise)


async def test_calls_become_messages_links_and_a_trace(tmp_path, telegram, environ):
    code = (await add_enterprise(tmp_path, environ))["invitation_code"]
    await voxbot(tmp_path, environ, "users", "add", "--enterprise", "0367", "--tg-id", "100001")
    async with (
        running_unit(tmp_path, "notifier", **environ) as unit,
        httpx.AsyncClient(trust_env=False, base_url=unit.said[-1].split()[-1]) as client,
    ):
        telegram.user_writes(100002, f"/start {code}")
        await telegram.until(lambda: telegram.shown(100002), 60)
        for _, path, body in sample("01-incoming-answered"):
            answer = await client.post(path, json=body)
            assert answer.json() == {"status": "ok"}
        for chat, before in ((100001, 0), (100002, 1), (100009, 0)):

            def finished(chat=chat, before=before):
                shown = telegram.shown(chat)[before:]
                return len(shown) == 1 and "✅Успешный входящий звонок" in shown[0]

            await telegram.until(finished)
        fact = {"Token": "375290000001", "Kind": "customer", "Key": "375290001001", "Value": "Петров & сын"}
        assert (await client.post("/facts", json=fact)).json() == {"status": "ok"}
        record = {"Token": "375290000001", "Kind": "recording", "Key": body["UniqueId"], "Value": "https://pbx/1.mp3"}
        assert (await client.post("/facts", json=record)).json() == {"status": "ok"}
        await telegram.until(lambda: '<a href="https://pbx/1.mp3">' in telegram.shown(100001)[0])
        assert "(Петров &amp; сын)" in telegram.shown(100001)[0]
        [link] = re.findall(r'href="([^"]*/call/[^"]*)"', telegram.shown(100001)[0])
        page = await client.get(html.unescape(link))
        assert page.status_code == 200
        assert "375290001001" in page.text
        metrics = (await client.get("/metrics")).text
        assert 'voxbot_notifier_operations_total{action="send",result="done"}' in metrics
    [trace] = (tmp_path / "data" / "call_tracer" / "0367").glob("events_*.log")
    lines = [line.split("|") for line in trace.read_text().splitlines()]
    assert [line[2] for line in lines if line[1] == "AST"] == [
        path.strip("/") for _, path, _ in sample("01-incoming-answered")
    ]
    sent = [line for line in lines if line[1] == "TG" and line[2] == "send"]
    assert {line[3] for line in sent} == {"100001", "100002", "100009"}
    assert re.search(r"sig=(?!\*\*\*)", trace.read_text()) is None
    assert "1000001:AAA" not in trace.read_text() + unit.log.read_text()


async def post_and_kill(folder, environ, posts):
    async with (
        running_unit(folder, "notifier", **environ) as unit,
        httpx.AsyncClient(trust_env=False, base_url=unit.said[-1].split()[-1]) as client,
    ):
        for _, path, body in posts:
            await client.post(path, json=body)
        unit.process.kill()


async def test_an_event_answered_before_a_kill_is_shown_after_it(tmp_path, telegram, environ):
    await add_enterprise(tmp_path, environ)
    with pytest.raises(RuntimeError, match="status -9"):
        await post_and_kill(tmp_path, environ, sample("02-incoming-missed"))
    async with running_unit(tmp_path, "notifier", **environ):
        await telegram.until(
            lambda: len(telegram.shown(100009)) == 1 and "Мы не подняли трубку" in telegram.shown(100009)[0], 60
        )


def children(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_worker_that_dies_costs_no_message(tmp_path, telegram, environ):
    await add_enterprise(tmp_path, environ)
    async with (
        running_unit(tmp_path, "notifier", **environ) as unit,
        httpx.AsyncClient(trust_env=False, base_url=unit.said[-1].split()[-1]) as client,
    ):
        await until(lambda: children(unit.process))
        [worker] = children(unit.process)
        os.kill(worker, signal.SIGKILL)
        for _, path, body in sample("02-incoming-missed"):
            assert (await client.post(path, json=body)).status_code == 200
        await telegram.until(
            lambda: len(telegram.shown(100009)) == 1 and "Мы не подняли трубку" in telegram.shown(100009)[0], 60
        )
        [started_again] = children(unit.process)
    assert started_again != worker
    assert "Доставка в Telegram остановилась" in unit.log.read_text()


async def test_a_worker_does_not_outlive_the_unit(tmp_path, environ):
    pids = []

    async def run_and_kill():
        async with running_unit(tmp_path, "notifier", **environ) as unit:
            await until(lambda: children(unit.process))
            pids.extend(children(unit.process))
            unit.process.kill()

    with pytest.raises(RuntimeError, match="status -9"):
        await run_and_kill()
    [worker] = pids
    await until(lambda: not Path(f"/proc/{worker}").exists() or "zombie" in Path(f"/proc/{worker}/status").read_text())


@pytest.fixture
def settings(tmp_path):
    env_file = tmp_path / ".env"
    env_file.touch()
    return lambda **environ: load_settings(env_file, {"DATA_DIR": str(tmp_path / "data"), **environ})


async def test_a_busy_port_is_named(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"NOTIFIER_PORT={port}: порт занят другой программой"):
            await notifier.run(settings(NOTIFIER_PORT=str(port)))


async def test_a_link_key_that_is_damaged_is_named(settings, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notifier.key").write_text("short")
    with pytest.raises(ConfigError, match=r"notifier\.key: ключ подписи ссылок короткий"):
        await notifier.run(settings(NOTIFIER_PORT="0"))
