"""The Telegram Bot API as a real HTTP server, with whatever goes wrong programmed per request.

It keeps what each chat shows. As in Telegram, ids grow: all private chats of a bot share one count, each supergroup has
its own; a bot edits its own messages only, and deletes them for 48 hours; an update comes again until it is confirmed,
and of two that ask for updates the first is broken off; a group that became a supergroup says so. Limits are kept when
a test sets `limited`.
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

from fakes.telegram_rules import RateLimits, wrong_text

_SUPERGROUPS_BELOW = -1_000_000_000_000
_DELETABLE_S = 48 * 3600.0


@dataclass(frozen=True)
class Fault:
    """How a request goes wrong.

    `status` with `description` refuses it (`retry_after` seconds with 429). `hang`: no answer ever. `reset`: the
    connection is cut. `slow_s`: the answer is late. `does`: the work is done all the same, before that.
    """

    status: int = 0
    description: str = ""
    retry_after: int = 0
    hang: bool = False
    reset: bool = False
    slow_s: float = 0.0
    does: bool = False


@dataclass(frozen=True)
class Request:
    """A request as it came: `at` in seconds of the monotonic clock, `peer` the other end of its connection."""

    at: float
    bot: str
    method: str
    chat_id: int
    fields: dict
    peer: tuple = ()


@dataclass
class TelegramServer:
    """`shown(chat)` is what a chat shows. Requests that match a fault of `fail` go wrong."""

    base_url: str = ""
    latency_s: float = 0.0
    requests: list = field(default_factory=list)
    most_shown: dict = field(default_factory=lambda: defaultdict(int))
    blocked: set = field(default_factory=set)
    limited: bool = False
    flooded: int = 0
    _later_s: float = 0.0
    _limits: RateLimits = field(default_factory=RateLimits)
    _born: dict = field(default_factory=dict)
    _moved: dict = field(default_factory=dict)
    _polls: dict = field(default_factory=dict)
    _messages: dict = field(default_factory=lambda: defaultdict(dict))
    _authors: dict = field(default_factory=dict)
    _counts: dict = field(default_factory=lambda: defaultdict(int))
    _faults: deque = field(default_factory=deque)
    _updates: dict = field(default_factory=lambda: defaultdict(list))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, fault, *, method=None, chat_id=None, times=1):
        """Have the next `times` requests that match go wrong."""
        self._faults.append([times, method, chat_id, fault])

    def hours_pass(self, hours):
        """Make all messages so much older."""
        self._later_s += hours * 3600

    def upgrade_group(self, chat_id, new_id, *, announce=True, bot="1000001"):
        """A group becomes a supergroup: its messages are gone for the bot, which may miss the message about it."""
        self._moved[bot, chat_id] = new_id
        self._messages.pop((bot, chat_id), None)
        if announce:
            chat = {"id": chat_id, "type": "group", "title": "Отдел"}
            self.update({"message": {"message_id": 1, "date": 1, "chat": chat, "migrate_to_chat_id": new_id}}, bot)

    def close_hanging(self):
        """Cut the connections of the requests that hang."""
        self._released.set()

    def recover(self):
        """Forget all faults that were not used."""
        self._faults.clear()

    def shown(self, chat_id, bot="1000001"):
        """The texts that a chat shows, oldest first."""
        return [text for _, text in sorted(self._messages[bot, chat_id].items())]

    def chats(self):
        """All (bot, chat) that show anything."""
        return [chat for chat, messages in self._messages.items() if messages]

    def made(self, method, chat_id=None):
        """The requests of a method so far."""
        return [
            request
            for request in self.requests
            if request.method == method and (chat_id is None or request.chat_id == chat_id)
        ]

    def user_writes(self, chat_id, text, *, bot="1000001", name="Анна"):
        """A person writes to the bot: takes an id, and is an update."""
        message_id = self._next_id(bot, chat_id)
        self._authors[bot, chat_id, message_id] = "user"
        person = {"id": chat_id, "is_bot": False, "first_name": name}
        chat = {"id": chat_id, "type": "private", "first_name": name}
        message = {"message_id": message_id, "date": 1, "chat": chat, "from": person, "text": text}
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
        self.update({"message": message}, bot)

    def user_deletes(self, chat_id, text, bot="1000001"):
        """A person deletes the message with this text."""
        messages = self._messages[bot, chat_id]
        del messages[next(number for number, shown in messages.items() if shown == text)]

    def user_blocks(self, chat_id, bot="1000001"):
        """A person blocks the bot."""
        self.blocked.add((bot, chat_id))
        person = {"id": chat_id, "is_bot": False, "first_name": "Анна"}
        member = {"user": {"id": int(bot), "is_bot": True, "first_name": "Бот"}}
        change = {
            "chat": {"id": chat_id, "type": "private"},
            "from": person,
            "date": 1,
            "old_chat_member": {**member, "status": "member"},
            "new_chat_member": {**member, "status": "kicked", "until_date": 0},
        }
        self.update({"my_chat_member": change}, bot)

    async def until(self, condition, timeout_s=10.0):
        """Wait until a condition holds; it is looked at after each request."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def handle(self, request):
        bot = request.match_info["token"].partition(":")[0]
        method = request.match_info["method"]
        fields = dict(await request.post())
        chat_id = int(fields.get("chat_id", 0))
        if method == "getUpdates":
            return await self._get_updates(bot, fields)
        peer = request.transport.get_extra_info("peername") if request.transport else ()
        self.requests.append(Request(time.monotonic(), bot, method, chat_id, fields, peer))
        try:
            return await self._answer(request, bot, method, chat_id, fields)
        finally:
            self._changed.set()

    async def _answer(self, request, bot, method, chat_id, fields):
        await asyncio.sleep(self.latency_s)
        fault = self._fault(method, chat_id)
        if fault is None:
            return self._do(bot, method, chat_id, fields)
        done = self._do(bot, method, chat_id, fields) if fault.does else None
        self._changed.set()
        await asyncio.sleep(fault.slow_s)
        if fault.hang:
            await self._released.wait()
        if fault.reset or fault.hang:
            if request.transport is not None:  # else the client has gone
                request.transport.abort()
            return web.Response()
        if fault.status:
            return _refusal(fault.status, fault.description or "refused on purpose", retry_after=fault.retry_after)
        return done or self._do(bot, method, chat_id, fields)

    def _fault(self, method, chat_id):
        for fault in self._faults:
            times, wanted_method, wanted_chat, kind = fault
            if wanted_method in (None, method) and wanted_chat in (None, chat_id):
                fault[0] -= 1
                if times <= 1:
                    self._faults.remove(fault)
                return kind
        return None

    def _do(self, bot, method, chat_id, fields):
        if method == "getMe":
            return _result({"id": int(bot), "is_bot": True, "first_name": "Бот", "username": f"bot{bot}_bot"})
        work = {"sendMessage": self._send, "editMessageText": self._edit, "deleteMessage": self._delete}.get(method)
        if work is None:
            return _result(True)
        return self._refused(bot, method, chat_id) or work(bot, chat_id, fields)

    def _refused(self, bot, method, chat_id):
        if (bot, chat_id) in self.blocked:
            return _refusal(403, "Forbidden: bot was blocked by the user")
        if new_id := self._moved.get((bot, chat_id)):
            reason = "Bad Request: group chat was upgraded to a supergroup chat"
            return _refusal(400, reason, migrate_to_chat_id=new_id)
        if self.limited and (wait_s := self._limits.wait_s(bot, chat_id, message=method != "deleteMessage")):
            self.flooded += 1
            return _refusal(429, f"Too Many Requests: retry after {wait_s}", retry_after=wait_s)
        return None

    def _send(self, bot, chat_id, fields):
        if wrong := wrong_text(fields):
            return _refusal(400, f"Bad Request: {wrong}")
        message_id = self._next_id(bot, chat_id)
        self._authors[bot, chat_id, message_id] = "bot"
        self._born[bot, chat_id, message_id] = self._now()
        shown = self._messages[bot, chat_id]
        shown[message_id] = fields["text"]
        self.most_shown[bot, chat_id] = max(self.most_shown[bot, chat_id], len(shown))
        return _result(_message(bot, chat_id, message_id, fields["text"]))

    def _edit(self, bot, chat_id, fields):
        message_id = int(fields["message_id"])
        if self._authors.get((bot, chat_id, message_id)) == "user":
            return _refusal(400, "Bad Request: message can't be edited")
        if message_id not in self._messages[bot, chat_id]:
            return _refusal(400, "Bad Request: message to edit not found")
        if wrong := wrong_text(fields):
            return _refusal(400, f"Bad Request: {wrong}")
        if self._messages[bot, chat_id][message_id] == fields["text"]:
            same = "specified new message content and reply markup are exactly the same as a current content"
            return _refusal(400, f"Bad Request: message is not modified: {same}")
        self._messages[bot, chat_id][message_id] = fields["text"]
        return _result(_message(bot, chat_id, message_id, fields["text"]))

    def _delete(self, bot, chat_id, fields):
        born = self._born.get((bot, chat_id, int(fields["message_id"])), self._now())
        if self._now() - born > _DELETABLE_S:
            return _refusal(400, "Bad Request: message can't be deleted for everyone")
        if self._messages[bot, chat_id].pop(int(fields["message_id"]), None) is None:
            return _refusal(400, "Bad Request: message to delete not found")
        return _result(True)

    def _next_id(self, bot, chat_id):
        scope = (bot, chat_id) if chat_id < _SUPERGROUPS_BELOW else bot
        self._counts[scope] += 1
        return self._counts[scope]

    def _now(self):
        return time.monotonic() + self._later_s

    def update(self, content, bot="1000001"):
        """Have an update for those who ask for it; it comes again until it is confirmed."""
        self._counts[bot, "updates"] += 1
        self._updates[bot].append({"update_id": self._counts[bot, "updates"], **content})
        if bot in self._polls:
            self._polls[bot].set()

    async def _get_updates(self, bot, fields):
        offset = int(fields.get("offset") or 0)
        self._updates[bot] = [update for update in self._updates[bot] if update["update_id"] >= offset]
        mine = asyncio.Event()
        other, self._polls[bot] = self._polls.get(bot), mine
        if other is not None:
            other.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(float(fields.get("timeout") or 0)):
                while not self._updates[bot] and self._polls[bot] is mine:
                    mine.clear()
                    await mine.wait()
        if self._polls[bot] is not mine:
            conflict = "terminated by other getUpdates request; make sure that only one bot instance is running"
            return _refusal(409, f"Conflict: {conflict}")
        del self._polls[bot]
        return _result(self._updates[bot][:100])


def _message(bot, chat_id, message_id, text):
    sender = {"id": int(bot), "is_bot": True, "first_name": "Бот"}
    kind = "private" if chat_id > 0 else "supergroup"
    return {"message_id": message_id, "date": 1, "chat": {"id": chat_id, "type": kind}, "from": sender, "text": text}


def _result(result):
    return web.json_response({"ok": True, "result": result})


def _refusal(status, description, **parameters):
    document = {"ok": False, "error_code": status, "description": description}
    if any(parameters.values()):
        document["parameters"] = {name: value for name, value in parameters.items() if value}
    return web.Response(status=status, text=json.dumps(document), content_type="application/json")


@asynccontextmanager
async def telegram_server(port=0):
    """Run the server on a port of the loopback; 0: a free one."""
    server = TelegramServer()
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
