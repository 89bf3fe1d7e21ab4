"""When an engine that keeps failing is left alone, and when it is tried again. Pure: the clock is injected.

    closed ──3 failures in a row, or half of the last 20 requests──▶ open ──cool-down over──▶ half-open
      ▲                                                               ▲                           │
      └──────────────── the probe succeeds ◀──────────────────────────┴── the probe fails ◀───────┘

Half-open lets one request through at a time. The cool-down doubles with every opening that no good spell preceded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from voxbot.domain.errors import ProviderAuthError, ProviderRateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

State: TypeAlias = Literal["closed", "open", "half_open"]
Entry: TypeAlias = Literal["normal", "probe", "forced"]
"""How a request came in: `forced` while it was open, as nobody else was left."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When it opens and for how long."""

    failures_in_a_row: int = 3
    window_requests: int = 20
    least_requests: int = 10
    """Fewer say nothing about the rate."""
    bad_rate: float = 0.5
    cool_down_s: float = 5.0
    longest_cool_down_s: float = 60.0
    auth_cool_down_s: float = 300.0
    """A refused key is not accepted a moment later; it may be when the operator has put the account right."""
    longest_retry_after_s: float = 600.0
    recovered_after: int = 5
    """Successes in a row after which an engine counts as healthy; until then one failure opens again."""


DEFAULT_POLICY = BreakerPolicy()


class Breaker:
    """One engine's. `clock` gives seconds that only grow.

    Ask `admits`, then `enter`; after that exactly one of `succeeded`, `failed` and `left` per entry.
    """

    def __init__(self, clock: Callable[[], float], policy: BreakerPolicy = DEFAULT_POLICY) -> None:
        self._clock = clock
        self._policy = policy
        self._outcomes: deque[bool] = deque(maxlen=policy.window_requests)
        self._in_a_row = 0
        self._openings = 0
        self._good = 0
        self._until_s = 0.0
        self._open = False
        self._probing = False

    @property
    def state(self) -> State:
        """`half_open` from the end of the cool-down until a probe has come back well."""
        if not self._open:
            return "closed"
        return "open" if self._clock() < self._until_s else "half_open"

    @property
    def opens_for_s(self) -> float:
        """Seconds until it may be tried again; 0 unless it is open."""
        return max(0.0, self._until_s - self._clock()) if self._open else 0.0

    @property
    def admits(self) -> bool:
        """Whether the engine should be asked now."""
        return self.state == "closed" or (self.state == "half_open" and not self._probing)

    def enter(self) -> Entry:
        """Begin a request, also one that is not admitted because nobody else is left."""
        if not self._open:
            return "normal"
        if self.admits:
            self._probing = True
            return "probe"
        return "forced"

    def succeeded(self, entry: Entry) -> None:
        """Take note of an answer. One to a request that is older than the opening closes nothing."""
        if entry == "probe":
            self._probing = False
        if self._open:
            if entry == "normal":
                return
            self._open = False
            self._outcomes.clear()
            self._good = 0
        self._in_a_row = 0
        self._good += 1
        self._outcomes.append(True)
        if self._good >= self._policy.recovered_after:
            self._openings = 0

    def failed(self, entry: Entry, error: Exception) -> None:
        """Take note of a failure that is the engine's, not the request's."""
        if entry == "probe":
            self._probing = False
        match error:
            case ProviderAuthError():
                self._trip(self._policy.auth_cool_down_s)
            case ProviderRateLimitError(retry_after_s=float() | int() as seconds):
                self._trip(min(seconds, self._policy.longest_retry_after_s))
            case ProviderRateLimitError():
                self._trip(self._cool_down_s())
            case _ if entry == "probe" and self._open:
                self._trip(self._cool_down_s())
            case _ if not self._open:
                self._good = 0
                self._in_a_row += 1
                self._outcomes.append(False)
                if self._is_bad():
                    self._trip(self._cool_down_s())
            case _:
                pass  # was under way when it opened, or had nobody else to go to: nothing new

    def left(self, entry: Entry) -> None:
        """Take note that a request was given up before it could tell anything."""
        if entry == "probe":
            self._probing = False

    def _is_bad(self) -> bool:
        policy = self._policy
        if self._openings > 0 or self._in_a_row >= policy.failures_in_a_row:  # not recovered yet: on trial
            return True
        bad = self._outcomes.count(False)
        return len(self._outcomes) >= policy.least_requests and bad >= policy.bad_rate * len(self._outcomes)

    def _cool_down_s(self) -> float:
        return min(self._policy.cool_down_s * 2**self._openings, self._policy.longest_cool_down_s)

    def _trip(self, seconds: float) -> None:
        until_s = self._clock() + seconds
        if self.state == "open":
            self._until_s = max(self._until_s, until_s)
            return
        self._until_s = until_s
        self._open = True
        self._openings += 1
        self._in_a_row = 0
        self._outcomes.clear()
