"""The README's dialplan on a real Asterisk: real calls become the right messages in a manager's chat."""

import asyncio
import json
import os
import re
import socket
import sys

import pytest
from fakes.notifier_unit import until_delivering
from fakes.telegram_server import telegram_server
from phone import AUDIO, REPO, caller_module, running_unit

pytestmark = pytest.mark.enable_socket

CHAT = 100009
TALK = [{"do": "wait_for_speech", "timeout_ms": 8000}, {"do": "pause", "ms": 1200}, {"do": "hangup"}]
ANSWER = [{"do": "say", "wav": "address.wav"}, {"do": "expect_hangup", "timeout_ms": 15000}]
MODULES = ("res_curl", "func_curl", "func_cut")
IN = """
[caller](+)
exten => 400,1,Goto(from-trunk,400,1)
exten => 401,1,Set(CALLERID(num)=151)
 same => n,Goto(from-office,152,1)
exten => 402,1,Set(CALLERID(num)=151)
 same => n,Goto(from-office,375290001003,1)
"""
"""Numbers of the lab that lead to the README's contexts."""


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def readme_dialplan(phone_port):
    """The lines of the README, with one SIP phone here in the place of every phone and of the trunk."""
    blocks = re.findall(r"```ini\n(.*?)```", (REPO / "README.md").read_text(), re.DOTALL)
    block = next(text for text in blocks if "voxbot-answered" in text)
    here = f"127.0.0.1:{phone_port}"
    dialled = {
        "PJSIP/151&PJSIP/152": f"PJSIP/151/sip:151@{here}",
        "PJSIP/${EXTEN}@trunk": f"PJSIP/operator/sip:trunk@{here}",
        "PJSIP/${EXTEN},": f"PJSIP/${{EXTEN}}/sip:${{EXTEN}}@{here},",
        ",20,U(": ",3,U(",
    }
    for written, real in dialled.items():
        assert written in block
        block = block.replace(written, real)
    return block + IN


@pytest.fixture
async def telegram():
    async with telegram_server() as server:
        yield server


@pytest.fixture
async def phone_port(lab, telegram, tmp_path):
    """The unit takes this Asterisk's calls; the port of the phone that is dialled."""
    environ = {
        "DATA_DIR": str(tmp_path / "data"),
        "NOTIFIER_PORT": "0",
        "TELEGRAM_API_BASE": telegram.base_url,
        "SUPERUSER_TG_ID": str(CHAT),
    }
    adding = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voxbot", "notifier", "enterprises", "add",
        "--number", "0367", "--token", "375290000001", "--bot-token", "1000001:AAA",
        cwd=tmp_path, env={**os.environ, **environ},
    )  # fmt: skip
    assert await adding.wait() == 0
    port = free_port()
    before = (lab.etc / "extensions.conf").read_text()
    async with running_unit(tmp_path, "notifier", **environ) as unit:
        snippet = (REPO / "deploy/asterisk/extensions_notifier.conf").read_text()
        url = unit.said[-1].split()[-1]
        await until_delivering(url)
        (lab.etc / "extensions_notifier.conf").write_text(snippet.replace("http://127.0.0.1:8000", url))
        (lab.etc / "extensions.conf").write_text(before + readme_dialplan(port))
        for module in MODULES:
            lab.console(f"module load {module}.so")
        lab.console("dialplan reload")
        try:
            yield port
        finally:
            (lab.etc / "extensions.conf").write_text(before)
            lab.console("dialplan reload")


async def call(lab, to, phone_port, script=TALK):
    """Make a call that the phone answers after half a second."""
    options = caller_module.Options(listen=phone_port, ring_ms=500)
    phone = caller_module.Call(options, ANSWER, AUDIO)
    answering = asyncio.create_task(phone.run())
    [report] = await lab.call(script, to=to)
    async with asyncio.timeout(15):
        await answering
    return report


async def only_message(telegram, sign):
    """The one message that stays in the chat."""

    def finished():
        shown = telegram.shown(CHAT)
        return len(shown) == 1 and sign in shown[0]

    try:
        await telegram.until(finished)
    except TimeoutError:
        pytest.fail(json.dumps(telegram.shown(CHAT), ensure_ascii=False))
    return telegram.shown(CHAT)[0]


async def test_a_real_incoming_call(lab, telegram, phone_port):
    report = await call(lab, "400", phone_port)
    assert report["ok"], report["error"]
    text = await only_message(telegram, "✅Успешный входящий звонок")
    for part in ("💰+7 (916) 123-45-67", "☎️151", "0001101", "Детали звонка"):
        assert part in text, text
    assert telegram.most_shown["1000001", CHAT] <= 2
    stages = [request.fields["text"].split("\n")[0] for request in telegram.made("sendMessage")]
    assert stages[0] == "📞 Входящий звонок"
    assert any("📞➡️" in stage for stage in stages)


async def test_a_real_missed_call(lab, telegram, phone_port):
    await lab.call(TALK, to="400")  # nobody listens on the phone's port
    text = await only_message(telegram, "❌ Мы не подняли трубку")
    for part in ("💰+7 (916) 123-45-67", "☎️151", "☎️152"):
        assert part in text, text


async def test_a_real_outgoing_call(lab, telegram, phone_port):
    report = await call(lab, "402", phone_port)
    assert report["ok"], report["error"]
    text = await only_message(telegram, "✅Успешный исходящий звонок")
    for part in ("☎️151", "💰+375 (29) 000-10-03", "0001101"):
        assert part in text, text


async def test_a_real_internal_call(lab, telegram, phone_port):
    report = await call(lab, "401", phone_port)
    assert report["ok"], report["error"]
    text = await only_message(telegram, "✅Успешный внутренний звонок")
    for part in ("☎️151➡️", "☎️152"):
        assert part in text, text
