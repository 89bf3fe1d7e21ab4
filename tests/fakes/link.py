"""A network cable between a client and a server of the loopback, which can be cut, jammed or unplugged."""

import asyncio
from contextlib import asynccontextmanager, suppress


class Link:
    """Carries TCP to `port`. `cut` resets what is connected; `jam` carries nothing until `free`; `unplug` refuses."""

    def __init__(self, port):
        self._port = port
        self._writers = set()
        self._tasks = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = None
        self.port = 0
        self.connections = 0

    async def start(self, port=0):
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self):
        for writer in self._writers:
            writer.transport.abort()

    def jam(self):
        self._flowing.clear()

    def free(self):
        self._flowing.set()

    async def unplug(self):
        """Reset all connections and take no more until `plug`."""
        self._server.close()
        self.cut()

    async def plug(self):
        await self.start(self.port)

    async def stop(self):
        await self.unplug()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _connected(self, reader, writer):
        """Called as soon as a connection is made, so that none is left behind by `stop`."""
        self.connections += 1
        self._writers.add(writer)
        self._tasks.add(task := asyncio.create_task(self._carry_both_ways(reader, writer)))
        task.add_done_callback(self._tasks.discard)

    async def _carry_both_ways(self, reader, writer):
        ends = [writer]
        try:
            with suppress(OSError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
                ends.append(far_writer)
                self._writers.add(far_writer)
                await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        finally:
            for end in ends:
                self._writers.discard(end)
                end.transport.abort()

    async def _carry(self, reader, writer):
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()


@asynccontextmanager
async def link_to(port):
    """Lay a cable to a port of the loopback."""
    link = Link(port)
    await link.start()
    try:
        yield link
    finally:
        await link.stop()
