"""Words that speech recognition misheard, to the words of the knowledge base they sound like.

Both are reduced to what survives a telephone line: unstressed vowels fall together, voiced consonants and their
voiceless pairs too, soft signs and doubled letters go. Candidates come from an index of letter trigrams; the
similarity is one minus the edit distance over the longer length. The cost is bounded by the number of candidates.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from voxbot.knowledge.arrays import Rows, Texts, sorted_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from voxbot.knowledge.arrays import Arrays

_SOUNDS = str.maketrans(
    "оеёэыяюбвгджзщйцabcdefghijklmnopqrstuvwxyz",
    "аииииаупфктшсшисапктифкхишклмнапкрстуффкис",
    "ьъ",
)
_CANDIDATES = 12
MIN_SIMILARITY = 0.68
"""Of words that the dictionary does not know. «разравная» and «разрывная» have 0.89, «опыверки» and «поверки» 0.75."""
MIN_SIMILARITY_SHORT = 0.75
"""Of short words, and of those that begin with another sound: «вайфай» is not «новой» (0.67)."""
_SHORT = 6
_CODE = 4
_PREFIX_SHARE = 0.65
_MIN_PREFIX = 4
_SHORT_ROOT = 7
_OF_SHORT_ROOT = re.compile(r"(?:е?нн?|ов|ев|ск)(?:ый|ий|ой)")
"""How adjectives are made of a short noun: «обед», «обеденный»."""


class SoundIndex:
    """The forms of a vocabulary, found by how they sound."""

    def __init__(self, forms: Texts, by_sound: Rows, by_trigram: Rows, lengths: NDArray[np.int32]) -> None:
        """`forms` are sorted; the rows hold their numbers, `lengths` how many letters each one's sound has."""
        self._forms, self._by_sound, self._by_trigram, self._lengths = forms, by_sound, by_trigram, lengths

    @classmethod
    def of(cls, forms: Iterable[str]) -> SoundIndex:
        """Index `forms`."""
        texts = sorted_texts(set(forms))
        sounds = [sound(form) for form in texts]
        by_sound: defaultdict[str, list[int]] = defaultdict(list)
        by_trigram: defaultdict[str, list[int]] = defaultdict(list)
        for index, heard in enumerate(sounds):
            by_sound[heard].append(index)
            for trigram in _trigrams(heard):
                by_trigram[trigram].append(index)
        lengths = np.array([len(heard) for heard in sounds], np.int32)
        return cls(texts, Rows.of(by_sound), Rows.of(by_trigram), lengths)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> SoundIndex:
        """Take what `arrays(name)` gave. Raises KeyError."""
        return cls(
            Texts.from_arrays(arrays, f"{name}.forms"),
            Rows.from_arrays(arrays, f"{name}.sounds"),
            Rows.from_arrays(arrays, f"{name}.trigrams"),
            arrays[f"{name}.lengths"],
        )

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        return {
            **self._forms.arrays(f"{name}.forms"),
            **self._by_sound.arrays(f"{name}.sounds"),
            **self._by_trigram.arrays(f"{name}.trigrams"),
            f"{name}.lengths": self._lengths,
        }

    def same(self, form: str) -> list[str]:
        """Return forms that sound the same."""
        numbers: list[int] = self._by_sound.get(sound(form)).tolist()
        return [self._forms[number] for number in numbers]

    def similar(self, form: str, *, known: bool) -> list[tuple[str, float]]:
        """Return forms that `form` may have been, with similarity (0–1), best first; at most three.

        A word that the dictionary knows was probably heard right: only a short code that sounds the same is offered
        («рем» for «рэм»).
        """
        heard = sound(form)
        if known or len(heard) < _MIN_PREFIX:
            alike: list[int] = self._by_sound.get(heard).tolist()
            same = [self._forms[index] for index in alike]
            return [(other, 0.9) for other in same if not known or len(other) == len(form) <= _CODE][:3]
        bound = MIN_SIMILARITY_SHORT if len(heard) < _SHORT else MIN_SIMILARITY
        places = np.concatenate([self._by_trigram.get(trigram) for trigram in _trigrams(heard)])
        candidates, counts = np.unique(places, return_counts=True)
        shares = counts / (len(heard) + self._lengths[candidates])
        likeliest: list[int] = candidates[np.argsort(-shares, kind="stable")[:_CANDIDATES]].tolist()
        forms = [self._forms[index] for index in likeliest]
        found = [(candidate, similarity(heard, sound(candidate))) for candidate in forms]
        found = [
            (candidate, score)
            for candidate, score in found
            if score >= (bound if sound(candidate)[0] == heard[0] else max(bound, MIN_SIMILARITY_SHORT))
        ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:3]


@lru_cache(maxsize=20_000)
def sound(form: str) -> str:
    """Reduce a folded word to its sounds: «поверке» and «паверки» give the same."""
    heard = form.translate(_SOUNDS)
    return "".join(letter for index, letter in enumerate(heard) if index == 0 or letter != heard[index - 1])


def similarity(left: str, right: str) -> float:
    """Return 1 - edit distance / longer length."""
    longer = max(len(left), len(right))
    return 1 - _distance(left, right) / longer if longer else 1.0


def same_root(left: str, right: str) -> bool:
    """Tell whether two lemmas are likely derived from one root: a long common beginning («доставка», «доставить»)."""
    common = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        common += 1
    if common == _MIN_PREFIX and max(len(left), len(right)) > _SHORT_ROOT:
        shorter, longer = sorted((left, right), key=len)
        return len(shorter) == common and bool(_OF_SHORT_ROOT.fullmatch(longer[common:]))
    return common >= _MIN_PREFIX and common >= _PREFIX_SHARE * min(len(left), len(right))


def _trigrams(heard: str) -> list[str]:
    padded = f"^{heard}$"
    return [padded[index : index + 3] for index in range(len(padded) - 2)]


def _distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]
