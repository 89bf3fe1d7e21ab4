"""What a call needs of an audio connection, whatever carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from voxbot.domain.audio import Samples


class MediaSink(Protocol):
    """Who receives. Called on the event loop for every frame: must be quick and must not raise."""

    def on_audio(self, samples: Samples) -> None:
        """Take a frame of the caller's sound, 8 kHz."""
        ...

    def on_mark(self, mark: int) -> None:
        """Take note that everything sent before `mark` has been played to the caller."""
        ...

    def on_talk(self, talking: bool) -> None:  # noqa: FBT001 - a state, told when it changes
        """Take note that the caller has begun or ceased to talk, as Asterisk judges it.

        Only transports that are not `live` call it. Between the two comes nothing; then the utterance's whole sound
        comes by `on_audio`, from a little before its first word, and `on_talk(False)` at once behind it. A very long
        one comes in several such pieces without an `on_talk` between them.
        """
        ...


class MediaTransport(Protocol):
    """A two-way audio connection at 8 kHz whose far side owns the playout clock and a queue."""

    @property
    def live(self) -> bool:
        """Whether sound comes frame by frame as the caller makes it, silence too; if not, see `on_talk`."""
        ...

    async def receive(self, sink: MediaSink) -> None:
        """Deliver to `sink`; returns when the caller is gone, raises MediaError when the connection is lost."""
        ...

    async def send(self, samples: Samples) -> None:
        """Append to the far side's queue; a whole number of 20 ms frames. Raises MediaError."""
        ...

    async def mark(self, mark: int) -> None:
        """Ask to be told when all that was sent so far has been played."""
        ...

    async def flush(self) -> None:
        """Empty the far side's queue at once; marks not reached yet are never reported."""
        ...
