"""What goes wrong with one HTTP answer, and how a server does it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Fault:
    """How one request is answered, if not at once and well.

    `latency_s` passes before anything; `status` other than 200 refuses, with `headers`, `message` and `code`; `hang`
    never answers; `cut` «reset» closes the connection without a word, «half» in the middle of the body.
    """

    latency_s: float = 0.0
    status: int = 200
    headers: dict = field(default_factory=dict)
    message: str = "refused on purpose"
    code: str | None = None
    hang: bool = False
    cut: str = ""


class Faults:
    """Faults of requests to come: used up one by one, the last one for good."""

    def __init__(self):
        self._queue = deque([Fault()])

    def plan(self, *faults):
        self._queue = deque(faults)

    def next(self):
        return self._queue.popleft() if len(self._queue) > 1 else self._queue[0]


async def answered(request, fault, make):
    """Answer with the response that `make()` gives, as `fault` has it."""
    await asyncio.sleep(fault.latency_s)
    if fault.hang:
        await asyncio.Event().wait()
    if fault.cut == "reset":
        request.transport.abort()
        return web.Response()
    if fault.status != 200:
        return refusal(fault.status, fault.message, fault.headers, fault.code)
    response = await make()
    if fault.cut == "half" and response.status == 200:
        return await _half(request, response)
    return response


async def _half(request, response):
    body = response.body
    half = web.StreamResponse(headers={"Content-Type": response.content_type, "Content-Length": str(len(body))})
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    request.transport.close()
    return half


def refusal(status, message, headers=None, code=None):
    """Make an error in OpenAI's form."""
    document = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return web.json_response(document, status=status, headers=headers)
