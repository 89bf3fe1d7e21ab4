"""Tell words that were spoken from words that a recogniser invented on noise, music or silence.

Whisper writes something for any sound. Its inventions show in four ways: its own doubt about speech, sentences known
from film captions, loops, and the recital of the terms it was prompted with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_NO_SPEECH_RULES = ((0.3, -1.0), (0.6, -0.6), (0.9, 0.0))
"""No speech, if its probability is at least the first and the words' average logprob below the second. Measured on
whisper-base: speech down to 5 dB over noise gives at most 0.07 with a prompt; without one up to 0.3, and 0.66 over
27 s, but then with a logprob of -0.37. Noise, hum, dial tones, clicks, silence: 0.46-0.97, and a logprob below -0.6
wherever the words are not a loop or a caption. (openai/whisper itself: 0.6 and -1.0.)"""
_WEAK_NO_SPEECH = 0.2
"""From here on a doubtful phrase is not believed."""

_LOOPED_SYLLABLE = re.compile(r"([^\W\d_]{1,6}?)\1{7,}")
_SAME_WORD_TIMES = 6
"""A caller may say «да, да, да» or a number of equal digits."""
_SAME_PHRASE_TIMES = 4
_LONGEST_LOOP_WORDS = 6
_RECITED_TERMS = 3
"""So many terms in the prompt's own order, and nothing else, are never a caller's sentence."""


@dataclass(frozen=True, slots=True)
class SpeechEvidence:
    """What a recogniser says of its own result."""

    average_logprob: float
    """Mean natural logarithm of its tokens' probabilities, 0 at best."""
    no_speech_probability: float
    """0-1: how likely the sound holds no speech."""


def is_phantom(text: str, evidence: SpeechEvidence, terms: str = "") -> bool:
    """Whether `text` was most likely not spoken. `terms` is the comma-separated prompt of the recogniser."""
    words = _words(text)
    if not words:
        return True
    doubt = evidence.no_speech_probability
    if any(doubt >= least and evidence.average_logprob < below for least, below in _NO_SPEECH_RULES):
        return True
    always, unsure = _phrases()
    phrase, weak = " ".join(words), doubt >= _WEAK_NO_SPEECH
    if always.matches(phrase) or (weak and (unsure.matches(phrase) or _is_caption(text))):
        return True
    return _is_loop(words) or _is_recital(words, terms, least_terms=1 if weak else _RECITED_TERMS)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower().replace("ё", "е"))


def _is_caption(text: str) -> bool:
    """Films' captions name sounds in capitals: «ВЫСТРЕЛЫ»."""
    return text.isupper()


def _is_loop(words: list[str]) -> bool:
    if _LOOPED_SYLLABLE.search(" ".join(words)) or _LOOPED_SYLLABLE.search("".join(words)):
        return True
    for length in range(1, _LONGEST_LOOP_WORDS + 1):
        times = _SAME_WORD_TIMES if length == 1 else _SAME_PHRASE_TIMES
        run = 0
        for place in range(len(words) - length):
            run = run + 1 if words[place] == words[place + length] else 0
            if run >= length * (times - 1):
                return True
    return False


def _is_recital(words: list[str], terms: str, least_terms: int) -> bool:
    """Whether the words are a run of the prompt that covers so many whole terms."""
    prompt: list[str] = []
    ends: list[int] = []
    for term in terms.split(","):
        prompt += _words(term)
        ends.append(len(prompt))
    for start in range(len(prompt) - len(words) + 1):
        if prompt[start : start + len(words)] == words:
            covered = [end for end in ends if start < end <= start + len(words)]
            return len(covered) >= least_terms
    return False


@dataclass(frozen=True, slots=True)
class _Phrases:
    whole: frozenset[str]
    beginnings: tuple[str, ...]

    def matches(self, phrase: str) -> bool:
        return phrase in self.whole or phrase.startswith(self.beginnings)


@lru_cache(maxsize=1)
def _phrases() -> tuple[_Phrases, _Phrases]:
    """Read the lists [always] and [unsure]."""
    content = files("voxbot.speech").joinpath("phantom_phrases.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {"[always]": [], "[unsure]": []}
    section: list[str] = []
    for line in content.splitlines():
        if line in sections:
            section = sections[line]
        elif line and not line.startswith("#"):
            section.append(line)
    always, unsure = sections.values()
    return _compiled(always), _compiled(unsure)


def _compiled(lines: list[str]) -> _Phrases:
    return _Phrases(
        frozenset(" ".join(_words(line)) for line in lines if not line.endswith("*")),
        tuple(" ".join(_words(line)) for line in lines if line.endswith("*")),
    )
