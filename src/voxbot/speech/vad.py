"""Voice activity detection: how likely is each short window of sound to hold speech."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.domain.audio import Samples


class VadStream(Protocol):
    """One call's sound."""

    def push(self, samples: Samples) -> None:
        """Take any number of 8 kHz samples; probabilities come back through the stream's callback."""
        ...

    def close(self) -> None:
        """Stop; the callback is not called any more. May be called twice."""
        ...


class Vad(Protocol):
    """One engine for all calls of the process."""

    name: str
    window_samples: int
    """Samples (8 kHz) that one probability stands for."""

    def open(self, on_probability: Callable[[float], None]) -> VadStream:
        """Begin a stream. `on_probability` gets the speech probability (0–1) of each window, in order.

        It is called on the event loop, from a later iteration than the `push` that completed the window.
        """
        ...

    def warm_up(self) -> None:
        """Run once on silence, so that the first caller does not pay for lazy initialisation."""
        ...
