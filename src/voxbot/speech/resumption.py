"""Where in a text another voice goes on when one breaks off in it.

Engines do not tell which word a sample belongs to, so the place is estimated: seconds of sound given times the
voice's own characters a second, learned from what it has said whole, moved to the nearest beginning of a word. It is
exact to about a word: rates of single segments scatter by some 10 %, which is a word after three seconds of speech.
Clause by clause engines break off at the end of a clause; a clause's end within that scatter is preferred.
"""

from __future__ import annotations

import re

CHARS_PER_S = 16.0
"""Russian speech, until a voice's own rate is known."""
_LEARNING = 0.2
_LEAST_S = 0.5
"""The silence around shorter sounds says more than they do."""
_SCATTER = 0.12
_SCATTER_LEAST_CHARS = 4.0
_WORD = re.compile(r"\S+")
_CLAUSE_END = re.compile(r"[,;:.!?…—–]\W*$")


class SpeakingRate:
    """Characters a second of one voice."""

    def __init__(self) -> None:
        self.chars_per_s = CHARS_PER_S
        self._known = False

    def learn(self, text: str, sound_s: float) -> None:
        """Take a text that was said whole."""
        if sound_s < _LEAST_S or not text:
            return
        rate = len(text) / sound_s
        self.chars_per_s += (rate - self.chars_per_s) * (_LEARNING if self._known else 1.0)
        self._known = True


def rest_of(text: str, sound_s: float, chars_per_s: float) -> str:
    """Give what of `text` is still to be said after `sound_s` of it, from the beginning of a word; "" if nothing is."""
    said = sound_s * chars_per_s
    starts = [match.start() for match in _WORD.finditer(text)]
    if not starts or sound_s <= 0:
        return text
    places = [*starts[1:], len(text)] if said >= starts[0] else starts
    scatter = max(_SCATTER_LEAST_CHARS, _SCATTER * said)
    clauses = [place for place in places if abs(place - said) <= scatter and _CLAUSE_END.search(text[:place])]
    near = min(clauses or [starts[0], *places], key=lambda place: abs(place - said))
    return text[near:]
