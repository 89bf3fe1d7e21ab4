"""A deterministic server that speaks OpenAI's protocol, with whatever goes wrong programmed per request.

Chat is here; `server.audio` (openai_audio.py) transcribes, `server.embeddings` (openai_embeddings.py) embeds.
"""

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

from fakes.http_faults import refusal
from fakes.openai_audio import AudioDouble
from fakes.openai_embeddings import EmbeddingsDouble


@dataclass(frozen=True)
class Reply:
    """How one request is answered.

    `latency_s` passes before the first token, `token_s` before each further one; `break_after` tokens the
    connection is cut; `hang_after` tokens nothing more comes; `status` other than 200 refuses the request, with
    `headers`; `refuse_stream`, `refuse_tools` and `refuse_temperature` refuse only those, with `refusal` as status and
    text; `no_sse` answers a request to stream with one document. `tool` is called after the text; `reasoning` comes
    before it, in a field of its own; `finish` is the finish_reason.
    """

    text: str = "Да, конечно."
    status: int = 200
    latency_s: float = 0.0
    token_s: float = 0.0
    break_after: int | None = None
    hang_after: int | None = None
    refuse_stream: bool = False
    refuse_tools: bool = False
    refuse_temperature: bool = False
    refusal: tuple = (400, "")
    no_sse: bool = False
    tool: str = ""
    reasoning: str = ""
    finish: str = "stop"
    headers: dict = field(default_factory=dict)


@dataclass
class OpenAiServer:
    """`replies[model]` are used up one by one, the last one for good; `requests` keeps every body received.

    A model without replies answers with `otherwise(body)`. With `key`, a request that does not bear it is refused
    as the service does.
    """

    replies: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    otherwise: object = lambda body: Reply()
    key: str | None = None
    audio: AudioDouble = field(default_factory=AudioDouble)
    embeddings: EmbeddingsDouble = field(default_factory=EmbeddingsDouble)
    base_url: str = ""

    def answer(self, model, *replies):
        self.replies[model] = deque(replies)

    def asked(self, model):
        return [body for body in self.requests if body["model"] == model]

    async def handle(self, request):
        body = await request.json()
        self.requests.append(body)
        queue = self.replies.get(body["model"]) or deque([self.otherwise(body)])
        reply = queue.popleft() if len(queue) > 1 else queue[0]
        if reply.status != 200:
            return refusal(reply.status, "refused on purpose", reply.headers)
        status, text = reply.refusal
        if reply.refuse_stream and body.get("stream"):
            return refusal(status, text or "stream is not supported by this server")
        if reply.refuse_temperature and "temperature" in body:
            return refusal(status, text or "Unsupported value: 'temperature' does not support 0.2 with this model.")
        if reply.refuse_tools and body.get("tools"):
            return refusal(status, text or "this model does not support tools")
        await asyncio.sleep(reply.latency_s)
        if not body.get("stream") or reply.no_sse:
            message = {"role": "assistant", "content": reply.text}
            if reply.tool:
                message["tool_calls"] = [_tool_call(reply.tool)]
            return web.json_response(_envelope(body, {"message": message, "finish_reason": reply.finish}))
        return await _stream(request, body, reply)


async def _stream(request, body, reply):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    try:
        await response.prepare(request)
    except ConnectionResetError:  # whoever asked has hung up before the first word
        return response
    if reply.reasoning:
        await _send(response, _envelope(body, _delta({"content": "", "reasoning_content": reply.reasoning})))
    for index, token in enumerate(tokens(reply.text)):
        if index == reply.break_after:
            request.transport.close()
            return response
        if index == reply.hang_after:
            await asyncio.Event().wait()
        if index:
            await asyncio.sleep(reply.token_s)
        await _send(response, _envelope(body, _delta({"content": token})))
    if reply.tool:
        await _send(response, _envelope(body, _delta({"tool_calls": [{"index": 0, **_tool_call(reply.tool)}]})))
    await _send(response, _envelope(body, {"delta": {}, "finish_reason": reply.finish}))
    with suppress(ConnectionResetError):
        await response.write(b"data: [DONE]\n\n")
    return response


def tokens(text):
    """Words with the space before them: the size of pieces that models stream."""
    return [word if index == 0 else f" {word}" for index, word in enumerate(text.split(" "))]


def _delta(content):
    return {"delta": {"role": "assistant", **content}, "finish_reason": None}


def _tool_call(name):
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}


def _envelope(body, choice):
    kind = "chat.completion.chunk" if body.get("stream") else "chat.completion"
    return {"id": "1", "object": kind, "created": 0, "model": body["model"], "choices": [{"index": 0, **choice}]}


async def _send(response, document):
    with suppress(ConnectionResetError):  # whoever asked has hung up: an answer that nobody wants any more
        await response.write(f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode())


@asynccontextmanager
async def openai_server(port=0):
    """Run the server on a port of the loopback, by default a free one."""
    server = OpenAiServer()

    @web.middleware
    async def only_with_key(request, handler):
        if server.key is not None and request.headers.get("Authorization") != f"Bearer {server.key}":
            return refusal(401, "Incorrect API key provided.")
        return await handler(request)

    app = web.Application(middlewares=[only_with_key], client_max_size=26 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", server.handle)
    app.router.add_post("/v1/audio/transcriptions", server.audio.handle)
    app.router.add_post("/v1/embeddings", server.embeddings.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
