"""A language model that streams a script."""

import asyncio

from voxbot.domain.errors import ProviderUnavailableError

HANG = object()
FAIL = object()


class ScriptedLlm:
    """Streams its script at every request; a number is a pause in seconds, HANG stops for ever, FAIL breaks off."""

    name = "scripted"

    def __init__(self, model, *script):
        self.model = model
        self.script = script
        self.requests = []
        self.closed = False

    async def stream(self, request):
        self.requests.append(request)
        try:
            for step in self.script:
                if step is HANG:
                    await asyncio.Event().wait()
                if step is FAIL:
                    raise ProviderUnavailableError("scripted", "broke off")
                if isinstance(step, float):
                    await asyncio.sleep(step)
                    continue
                yield step
        finally:
            self.closed = True

    async def warm_up(self):
        pass

    async def close(self):
        pass
