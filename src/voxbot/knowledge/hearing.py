"""What a caller's words were, given the words that the knowledge base knows.

Recognition breaks long words in two («кило ньютонов»), spells codes by letter («эр гэ эм») and writes rare words
as it hears them («разравная», «опыверки»). Each is set right only when the base has the word that it sounds like.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from voxbot.knowledge.arrays import Texts, sorted_texts
from voxbot.knowledge.slips import SoundIndex, sound
from voxbot.knowledge.words import Token, fold, tokenize

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from voxbot.knowledge.arrays import Arrays

_LETTER_NAMES = {
    "а": "а", "б": "бэ", "в": "вэ", "г": "гэ", "д": "дэ", "е": "е", "ж": "жэ", "з": "зэ", "и": "и", "й": "й",
    "к": "ка", "л": "эль", "м": "эм", "н": "эн", "о": "о", "п": "пэ", "р": "эр", "с": "эс", "т": "тэ", "у": "у",
    "ф": "эф", "х": "ха", "ц": "цэ", "ч": "че", "ш": "ша", "щ": "ща", "э": "э", "ю": "ю", "я": "я",
}  # fmt: skip
_SPELLED_ALSO = {
    "к": "кэ", "л": "лэ", "м": "мэ", "н": "нэ", "р": "рэ", "с": "сэ", "ф": "фэ", "х": "хэ", "ш": "шэ", "щ": "щэ",
}  # fmt: skip
"""«Рэ гэ эм» for «эр гэ эм»."""
LETTERS_SAID = frozenset({*_LETTER_NAMES.values(), *_SPELLED_ALSO.values()})
_DIMINUTIVES = (
    ("очка", "ка"), ("ечка", "ка"), ("очек", "ок"), ("ечко", "ко"), ("ка", "ь"), ("ка", "а"), ("ка", ""),
    ("ик", ""), ("чик", ""), ("ок", ""),
)  # fmt: skip
"""«Печка» is a «печь», «скидочка» a «скидка»."""
_MIN_ROOT = 4
_MAX_CODE = 4
_MAX_PARTS = 4


class Hearing:
    """The vocabulary of a knowledge base: word forms as they stand there, and the terms of each."""

    def __init__(self, forms: Texts, terms: Texts, words: Texts, sounds: SoundIndex, codes: Texts) -> None:
        """`terms[i]` are those of the sorted `forms[i]`, joined by spaces; `words`: all terms; `codes`: short forms."""
        self._forms, self._terms, self._words, self._sounds, self._codes = forms, terms, words, sounds, codes
        self._spelled = {sound(name): code for code in codes for name in _spelled(code)}

    @classmethod
    def of(cls, vocabulary: Mapping[str, Collection[str]]) -> Hearing:
        """Take word forms and the terms of each."""
        forms = sorted(vocabulary)
        letters = _LETTER_NAMES.keys()
        return cls(
            Texts.of(forms),
            Texts.of(" ".join(sorted(vocabulary[form])) for form in forms),
            sorted_texts({term for terms in vocabulary.values() for term in terms}),
            SoundIndex.of(forms),
            Texts.of(form for form in forms if 1 < len(form) <= _MAX_CODE and set(form) <= letters),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Hearing:
        """Take what `arrays(name)` gave. Raises KeyError."""
        forms, terms, words, codes = (
            Texts.from_arrays(arrays, f"{name}.{part}") for part in ("forms", "terms", "words", "codes")
        )
        return cls(forms, terms, words, SoundIndex.from_arrays(arrays, f"{name}.sounds"), codes)

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        parts = {"forms": self._forms, "terms": self._terms, "words": self._words, "codes": self._codes}
        texts = [text.arrays(f"{name}.{part}") for part, text in parts.items()]
        return {key: array for found in (*texts, self._sounds.arrays(f"{name}.sounds")) for key, array in found.items()}

    def knows(self, token: Token) -> bool:
        """Tell whether the base has the word."""
        return token.is_number or token.form in self._forms or any(term in self._words for term in token.terms)

    def correct(self, tokens: Sequence[Token]) -> list[Token]:
        """Set right what can be; the other tokens stay as they are."""
        return [self._misheard(token) for token in self._joined(tokens)]

    def rewrite(self, text: str) -> str:
        """Return the text as it is embedded: with what was set right in its place, and numbers in digits."""
        if len(fold(text)) != len(text):  # a letter that has no lower case of its own: places would not fit
            return text
        parts: list[str] = []
        position = 0
        for token in self.correct(tokenize(text)):
            if token.corrected or token.is_number:
                parts += [text[position : token.start], token.terms[0] if token.is_number else token.form]
                position = token.end
        return "".join([*parts, text[position:]])

    def _joined(self, tokens: Sequence[Token]) -> list[Token]:
        joined: list[Token] = []
        start = 0
        while start < len(tokens):
            for size in range(min(_MAX_PARTS, len(tokens) - start), 1, -1):
                whole = self._one_word(tokens[start : start + size])
                if whole:
                    joined.append(whole)
                    start += size
                    break
            else:
                joined.append(tokens[start])
                start += 1
        return joined

    def _one_word(self, parts: Sequence[Token]) -> Token | None:
        """Return the word of the base that the parts are together."""
        if any(part.is_number for part in parts):
            return None
        text = "".join(part.form for part in parts)
        code = self._spelled.get(sound(text))
        if code:
            return self._put_right(parts, code)
        whole = tokenize(text)
        if len(whole) == 1 and len(parts) == 2 and self.knows(whole[0]):  # noqa: PLR2004 - a word breaks in two
            return self._put_right(parts, text)
        return None

    def _put_right(self, parts: Sequence[Token], form: str, likeness: float = 1.0) -> Token:
        place = self._forms.find(form)
        terms = self._terms[place].split(" ") if place >= 0 else tokenize(form)[0].terms
        return replace(
            parts[0], form=form, terms=tuple(sorted(terms)), likeness=likeness, corrected=True, end=parts[-1].end
        )

    def _misheard(self, token: Token) -> Token:
        if self.knows(token):
            return token
        if whole := self._whole_word(token):
            return self._put_right([token], whole)
        code = self._spelled.get(sound(token.form))
        found = [(code, 1.0)] if code else self._sounds.similar(token.form, known=token.known)
        if not found:
            return token
        form, likeness = found[0]
        return self._put_right([token], form, likeness)

    def _whole_word(self, token: Token) -> str | None:
        """Return the word of the base that a noun the dictionary knows sounds like, or is a diminutive of."""
        if not token.known or token.part != "NOUN":
            return None
        if len(token.form) > _MIN_ROOT and (same := self._sounds.same(token.form)):
            return same[0]
        lemma = token.terms[0]
        words = (lemma.removesuffix(end) + instead for end, instead in _DIMINUTIVES if lemma.endswith(end))
        return next((word for word in words if len(word) >= _MIN_ROOT and word in self._words), None)


def _spelled(code: str) -> Iterator[str]:
    """Yield how a code may be spelled by letter."""
    names = [filter(None, (_LETTER_NAMES[letter], _SPELLED_ALSO.get(letter))) for letter in code]
    return map("".join, product(*names))
