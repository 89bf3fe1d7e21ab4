"""An event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import selectors

_LIVELOCK_TURNS = 20_000


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self._turns = 0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("every task waits and no timer is set: the test would hang")
            self._turns = 0 if timeout > 0 else self._turns + 1
            if self._turns > _LIVELOCK_TURNS:
                raise RuntimeError("the loop turns and time stands still: the program would burn a processor")
            self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`loop.time()` starts at 0 and advances only by timers."""

    def __init__(self):
        self._clock = _JumpingSelector()
        super().__init__(self._clock)

    def time(self):
        return self._clock.now_s


def run_virtual(main):
    """Run a coroutine in virtual time; return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
