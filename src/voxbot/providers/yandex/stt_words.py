"""What SpeechKit STT v3 has said of one session so far, out of its messages (`stt.proto`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yandex.cloud.ai.stt.v3.stt_pb2 import AlternativeUpdate, StreamingResponse


class Words:
    """What the service has said of a session so far."""

    def __init__(self) -> None:
        self._finals: dict[int, str] = {}
        self._refined: set[int] = set()
        self._partial = ""
        self.ends = 0
        """Ends of utterances that were answered."""
        self.covered_ms = 0
        """So much of the sound is in the words."""

    @property
    def text(self) -> str:
        """All words so far, the latest may still change."""
        return " ".join(filter(None, (*(self._finals[index] for index in sorted(self._finals)), self._partial)))

    @property
    def pending(self) -> bool:
        """Whether the last words are not final."""
        return bool(self._partial)

    @property
    def refined(self) -> bool:
        """Whether every final has had its refinement."""
        return self._refined.issuperset(self._finals)

    def take(self, response: StreamingResponse) -> str | None:
        """Take note of a message; return the kind of event in it."""
        cursors = response.audio_cursors
        self.covered_ms = max(self.covered_ms, cursors.partial_time_ms, cursors.final_time_ms, cursors.eou_time_ms)
        kind = response.WhichOneof("Event")
        match kind:
            case "partial":
                self._partial = _best(response.partial)
            case "final":
                index = cursors.final_index
                if index in self._finals:  # a server that does not count
                    index = max(self._finals) + 1
                self._finals[index] = _best(response.final)
                self._partial = ""
            case "final_refinement":
                refinement = response.final_refinement
                self._finals[refinement.final_index] = _best(refinement.normalized_text)
                self._refined.add(refinement.final_index)
            case "eou_update":
                self.ends += 1
                self._partial = ""
            case _:
                pass
        return kind


def _best(update: AlternativeUpdate) -> str:
    """The likeliest hypothesis; a silent stretch has none."""
    return update.alternatives[0].text.strip() if update.alternatives else ""
