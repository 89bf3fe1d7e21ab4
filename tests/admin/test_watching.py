"""Watching the bots' calls, in virtual time: one stream of each bot, and clients that are slow, idle or asleep."""

import asyncio
import json
from contextlib import aclosing

from fakes.virtual_time import run_virtual

from voxbot.admin.events import NOT_READ_S, event_stream
from voxbot.admin.live.watching import BotEvent, Watch, changes


class Bot:
    """Tells what the test has it tell, to each who follows."""

    def __init__(self):
        self.followers = 0
        self.opened = 0
        self.telling = asyncio.Queue()

    async def follow(self, _address):
        self.followers += 1
        self.opened += 1
        try:
            yield BotEvent("bot", {"ok": True, "detail": ""})
            yield BotEvent("snapshot", {"calls": [], "now": 1.0})
            while True:
                yield await self.telling.get()
        finally:
            self.followers -= 1

    def call(self, call_id, partial=""):
        self.telling.put_nowait(BotEvent("call", {"call": {"id": call_id, "partial": partial}, "now": 2.0}))

    def end(self, call_id):
        self.telling.put_nowait(BotEvent("ended", {"id": call_id, "status": "Completed", "now": 3.0}))


def read(text):
    head, data = text.strip().split("\n")
    return head.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def named(events, kind):
    while not (text := await anext(events)).startswith(f"event: {kind}\n"):
        pass
    return read(text)[1]


def test_all_who_watch_share_one_stream_of_a_bot():
    async def main():
        bot = Bot()
        watch = Watch(["a"], bot.follow)
        with watch.watching() as one, watch.watching() as two:
            await one.news()
            bot.call("c1")
            await asyncio.sleep(1)
            told = [[read(text) for text in await viewer.news()] for viewer in (one, two)]
            assert bot.followers == 1
        with watch.watching():  # a page that is loaded again
            await asyncio.sleep(1)
            assert bot.opened == 1
        await asyncio.sleep(60)
        assert bot.followers == 0, "nobody watches"
        with watch.watching() as late:
            await asyncio.sleep(1)
            assert [read(text)[0] for text in await late.news()] == ["bot", "snapshot"]
            assert bot.opened == 2
        await watch.close()
        return told

    one, two = run_virtual(main())
    assert one[-1][0] == "call"
    assert (one[-1][1]["bot"], one[-1][1]["call"]["id"]) == ("a", "c1")
    assert two[-1] == one[-1]


def test_one_who_reads_slowly_sees_fewer_pictures_never_old_ones():
    async def main():
        bot = Bot()
        watch = Watch(["a"], bot.follow)
        async with aclosing(changes(watch, asyncio.Event())) as events:
            await named(events, "snapshot")
            for number in range(1000):
                bot.call("c1", f"слово {number}")
            bot.call("c2")
            bot.end("c2")
            await asyncio.sleep(5)
            heard = [read(await anext(events)) for _ in range(2)]
            bot.call("c1", "и ещё")
            heard.append(read(await anext(events)))
        await watch.close()
        return heard

    first, ended, last = run_virtual(main())
    assert (first[0], first[1]["call"]["partial"]) == ("call", "слово 999")
    assert (ended[0], ended[1]["id"]) == ("ended", "c2")
    assert last[1]["call"]["partial"] == "и ещё"


def test_an_idle_stream_says_that_it_is_still_there():
    async def main():
        watch = Watch(["a"], Bot().follow)
        async with aclosing(changes(watch, asyncio.Event())) as events:
            await named(events, "snapshot")
            began = asyncio.get_running_loop().time()
            comment = await anext(events)
            waited_s = asyncio.get_running_loop().time() - began
        await watch.close()
        return comment, waited_s

    comment, waited_s = run_virtual(main())
    assert comment.startswith(":")
    assert waited_s <= 15


def test_a_stream_whose_client_does_not_read_is_closed():
    async def main():
        bot = Bot()
        watch = Watch(["a"], bot.follow)
        response = event_stream(changes(watch, asyncio.Event()))
        asleep = asyncio.Event()

        async def send(message):
            if b"snapshot" in message.get("body", b""):
                await asleep.wait()

        began = asyncio.get_running_loop().time()
        await response.stream_response(send)
        took_s = asyncio.get_running_loop().time() - began
        await asyncio.sleep(60)
        assert bot.followers == 0, "nothing holds the bot's stream any more"
        await watch.close()
        return took_s

    assert run_virtual(main()) <= NOT_READ_S + 1
