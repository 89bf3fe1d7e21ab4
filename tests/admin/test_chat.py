"""`WS /ws` through a real server: the contract of its messages, and clients that misbehave."""

import asyncio
import base64
import json
from contextlib import suppress

import aiohttp
import pytest
from fakes.api import ApiLab
from fakes.voice import ScriptedAnswerer

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import KnowledgeError

pytestmark = pytest.mark.enable_socket

ANSWER = "Мы во Владимире. | Приезжайте!"
ANSWERS = {"где вы": (ANSWER, AnswerInfo(kb="general", sources=("c1",), ms={"search": 1.0}))}


class Flood(ScriptedAnswerer):
    """An answer without an end."""

    async def reply(self, question, history):
        yield AnswerInfo()
        while True:
            yield "слово " * 20_000
            await asyncio.sleep(0)


@pytest.fixture
async def lab(tmp_path):
    async with ApiLab(tmp_path) as opened:
        yield opened


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def text_of(socket, end):
    """Read until the answer ends so; the plain protocol has no other end."""
    said = ""
    async with asyncio.timeout(10):
        while not said.endswith(end):
            said += await socket.receive_str()
    return said


async def answered(socket):
    """The objects up to and with `answered`."""
    told = []
    async with asyncio.timeout(10):
        while not told or told[-1]["type"] not in ("answered", "error"):
            told.append(json.loads(await socket.receive_str()))
    return told


def turns_of(row):
    return [(turn["speaker"], turn["text"]) for turn in json.loads(row.transcript_json)]


async def test_greeting_first_then_streamed_answers_and_all_is_logged(lab, http):
    answerer = ScriptedAnswerer(ANSWERS)
    async with lab.running(lab.parts(answerer=answerer)) as host:
        async with http.ws_connect(f"ws://{host}/ws", params={"callerId": "42"}) as socket:
            assert await socket.receive_str() == "Здравствуйте!"
            await socket.send_str("где вы")
            assert await text_of(socket, "Приезжайте! ") == ANSWER + " ", "as it comes, marks between segments too"
            await socket.send_str("а когда")
            await text_of(socket, "знаю. ")
        (row,) = await lab.logged(lambda rows: rows and rows[0].status == "Completed")
    assert (row.caller_id, row.id[:5]) == ("42", "chat-")
    assert turns_of(row) == [
        ("bot", "Здравствуйте!"), ("user", "где вы"), ("bot", "Мы во Владимире. Приезжайте!"), ("user", "а когда"),
        ("bot", "Не знаю."),
    ]  # fmt: skip
    assert json.loads(row.transcript_json)[2]["kb"] == "general"
    assert [turn.text for turn in answerer.asked[1][1]] == ["Здравствуйте!", "где вы", "Мы во Владимире. Приезжайте!"]


async def test_the_panel_gets_objects_with_sources_and_times(lab, http):
    parts = lab.parts(answerer=ScriptedAnswerer(ANSWERS))
    async with lab.running(parts) as host, http.ws_connect(f"ws://{host}/ws?format=json") as socket:
        assert json.loads(await socket.receive_str()) == {"type": "greeting", "text": "Здравствуйте!"}
        await socket.send_str("где вы")
        *pieces, end = await answered(socket)
    assert "".join(piece["text"] for piece in pieces).split() == ["Мы", "во", "Владимире.", "Приезжайте!"]
    assert (end["kb"], end["sources"], end["known"]) == ("general", ["c1"], True)
    assert end["ms"]["total"] > 0


async def test_an_index_that_is_not_there_is_an_honest_sentence(lab, http):
    async with lab.running(lab.parts()) as host, http.ws_connect(f"ws://{host}/ws") as socket:
        await socket.receive_str()
        await socket.send_str("где вы")
        assert "не получается ответить" in await socket.receive_str()
        await socket.send_str("а теперь")
        assert "не получается ответить" in await socket.receive_str()


async def test_frames_that_are_no_text_and_too_long_ones_are_told_so(lab, http):
    parts = lab.parts(answerer=ScriptedAnswerer(ANSWERS))
    async with lab.running(parts) as host, http.ws_connect(f"ws://{host}/ws") as socket:
        await socket.receive_str()
        await socket.send_bytes(b"\xff\x00")
        assert "только текст" in await socket.receive_str()
        await socket.send_str("я" * 5000)
        assert "короче" in await socket.receive_str()
        await socket.send_str("   ")
        await socket.send_str("где вы")
        assert (await text_of(socket, "Приезжайте! ")).startswith("Мы")


async def test_a_message_of_10_mb_ends_only_the_chat_it_came_in(lab, http):
    async with lab.running(lab.parts(answerer=ScriptedAnswerer(ANSWERS))) as host:
        async with http.ws_connect(f"ws://{host}/ws") as other, http.ws_connect(f"ws://{host}/ws") as socket:
            await other.receive_str()
            await socket.receive_str()
            with suppress(aiohttp.ClientError, ConnectionError):  # closed while it is being sent
                await socket.send_str("я" * 5_000_000)
            assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            await other.send_str("где вы")
            assert (await text_of(other, "Приезжайте! ")).startswith("Мы")
        rows = await lab.logged(lambda rows: len(rows) == 2 and {row.status for row in rows} == {"Completed"})
    assert all(row.end_time for row in rows)


async def test_an_abrupt_close_in_the_middle_of_an_answer_ends_in_a_logged_dialogue(lab, http):
    async with lab.running(lab.parts(answerer=ScriptedAnswerer(ANSWERS, delay_s=0.2))) as host:
        socket = await http.ws_connect(f"ws://{host}/ws")
        await socket.receive_str()
        await socket.send_str("где вы")
        socket._response.connection.transport.abort()
        (row,) = await lab.logged(lambda rows: rows and rows[0].status == "Completed")
    assert ("user", "где вы") in turns_of(row)


async def test_a_client_that_never_reads_is_given_up_and_holds_up_nobody(lab, http):
    """Its answers fill the system's buffers; the server must neither keep them in memory nor wait for ever."""
    async with lab.running(lab.parts(answerer=Flood(ANSWERS))) as host:
        reader, writer = await asyncio.open_connection(*host.split(":"), limit=1024)
        key = base64.b64encode(b"0123456789abcdef").decode()
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        question = "где вы".encode()
        mask = bytes(4)
        writer.write(bytes([0x81, 0x80 | len(question)]) + mask + question)
        await writer.drain()
        (row,) = await lab.logged(lambda rows: rows and rows[0].status == "Completed", timeout_s=30)
        writer.transport.abort()
    assert ("user", "где вы") in turns_of(row)


class Slow(ScriptedAnswerer):
    """An answer that is long in coming."""

    begun = 0
    given_up = 0

    def __init__(self, **options):
        super().__init__({}, **options)
        self.go = asyncio.Event()

    async def reply(self, question, history):
        self.begun += 1
        try:
            yield AnswerInfo()
            await self.go.wait()
            yield f"ответ на {question}. "
        except (asyncio.CancelledError, GeneratorExit):
            self.given_up += 1
            raise


async def test_questions_that_wait_for_a_slow_answer_are_answered_in_turn(lab, http):
    slow = Slow()
    async with lab.running(lab.parts(answerer=slow)) as host, http.ws_connect(f"ws://{host}/ws") as socket:
        await socket.receive_str()
        for number in range(12):
            await socket.send_str(f"вопрос {number}")
        assert "Подождите" in await asyncio.wait_for(socket.receive_str(), 5), "told so while the answer is prepared"
        slow.go.set()
        said = await text_of(socket, "вопрос 8. ")
    assert said == "".join(f"ответ на вопрос {number}. " for number in range(9)), "8 may wait"


async def test_a_chat_that_is_closed_costs_the_model_nothing_more(lab, http):
    slow = Slow()
    async with lab.running(lab.parts(answerer=slow)) as host:
        async with http.ws_connect(f"ws://{host}/ws") as socket:
            await socket.receive_str()
            await socket.send_str("где вы")
            async with asyncio.timeout(5):
                while not slow.begun:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            while not slow.given_up:
                await asyncio.sleep(0.01)
        (row,) = await lab.logged(lambda rows: rows and rows[0].status == "Completed")
    assert ("user", "где вы") in turns_of(row)


@pytest.mark.parametrize(("key", "allowed"), [("k", True), ("wrong", False), (None, False)])
async def test_on_an_open_address_a_page_gives_the_key_as_a_subprotocol(lab, http, key, allowed):
    parts = lab.parts(answerer=ScriptedAnswerer(ANSWERS), API_HOST="0.0.0.0")
    offered = ["voxbot"] + ([f"key.{base64.urlsafe_b64encode(key.encode()).decode().rstrip('=')}"] if key else [])
    async with lab.running(parts) as host:
        if allowed:
            async with http.ws_connect(f"ws://{host}/ws", protocols=offered) as socket:
                assert socket.protocol == "voxbot"
                assert await socket.receive_str() == "Здравствуйте!"
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await http.ws_connect(f"ws://{host}/ws", protocols=offered)


async def test_a_foreign_page_may_not_open_it(lab, http):
    async with lab.running(lab.parts()) as host:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(f"ws://{host}/ws", origin="http://evil.example")


async def test_a_failing_agent_ends_one_chat_as_failed(lab, http):
    class Broken(ScriptedAnswerer):
        async def reply(self, question, history):
            if question == "сломайся":
                raise RuntimeError("defect")
            raise KnowledgeError("нет индекса")
            yield

    async with lab.running(lab.parts(answerer=Broken({}))) as host:
        async with http.ws_connect(f"ws://{host}/ws") as socket:
            await socket.receive_str()
            await socket.send_str("сломайся")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        (row,) = await lab.logged(lambda rows: rows and rows[0].status == "Failed")
    assert row.end_time
