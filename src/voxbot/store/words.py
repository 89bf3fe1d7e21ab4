"""The words that a dialogue is found by: a search for «машина» finds «машины» and «машину».

Of each word the lemmas that its form may have (pymorphy3, those of some likelihood), of a word that the dictionary
does not know its form as well; numbers stand as they are written. Prepositions, conjunctions and particles stand as
they are said, and a search leaves them out unless it holds nothing else: nearly every call has them. Letters are
lower case, «ё» is «е».
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[a-zа-я]+|\d+")
_MAX_CHARS = 40
_ASIDE = frozenset({"PREP", "CONJ", "PRCL"})
_LIKELY = 0.12
_LEMMAS = 3
_BEGUN_FROM = 3
_MAX_WORDS = 12


@lru_cache(maxsize=1)
def morphology() -> Any:
    """Return the process's dictionary of word forms (18 MB); the first call takes about 0.2 s."""
    import pymorphy3  # noqa: PLC0415 - only who searches or writes calls needs it

    return pymorphy3.MorphAnalyzer(lang="ru")


def folded(text: str) -> str:
    """Lower case with «ё» as «е»: the form in which texts are compared."""
    return text.lower().replace("ё", "е")


def found_by(texts: Iterable[str]) -> str:
    """Return everything that a search may find these texts by, once each and in order, parted by spaces."""
    words: set[str] = set()
    for text in texts:
        for form in _forms(text):
            words.update(_lemmas(form) or (form,))
    return " ".join(sorted(words))


def begun_word(query: str) -> str:
    """Return the last word of what a user types, folded, if it is long enough to be looked up as a beginning."""
    forms = list(_forms(query))
    if not forms or len(forms[-1]) < _BEGUN_FROM or not forms[-1].isalpha():
        return ""
    return forms[-1] if _lemmas(forms[-1]) else ""


def match_of(query: str, begun: Sequence[str] = ()) -> str:
    """Return what a user typed as an FTS5 query, empty if it holds no word.

    All words must be there, each in any form; in place of the last one may stand any of `begun`. More than twelve
    words are not looked at.
    """
    forms = _wanted(query)
    if not forms:
        return ""
    return " AND ".join([*(_any_of(form) for form in forms[:-1]), _any_of(forms[-1], begun)])


def matches(query: str, text: str) -> bool:
    """Whether some word of the query is in the text, in any form, or begun by the query's last word."""
    wanted = {lemma for form in _wanted(query) for lemma in (_lemmas(form) or (form,))}
    begun = begun_word(query)
    for form in _forms(text):
        lemmas = _lemmas(form) or (form,)
        if not wanted.isdisjoint(lemmas) or (begun and any(lemma.startswith(begun) for lemma in lemmas)):
            return True
    return False


def _wanted(query: str) -> Sequence[str]:
    """Return the words that a search goes by: those with a meaning of their own, or else all."""
    forms = list(_forms(query))
    return ([form for form in forms if _lemmas(form)] or list(dict.fromkeys(forms)))[:_MAX_WORDS]


def _forms(text: str) -> Iterable[str]:
    return (match[0][:_MAX_CHARS] for match in _WORD.finditer(folded(text)))


def _any_of(form: str, others: Sequence[str] = ()) -> str:
    quoted = [f'"{word}"' for word in dict.fromkeys((*_lemmas(form), form, *others))]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"


@lru_cache(maxsize=100_000)
def _lemmas(form: str) -> tuple[str, ...]:
    """Return what a form is found by; nothing for a word of no meaning of its own."""
    if not form.isalpha():
        return (form,)
    dictionary = morphology()
    parses = dictionary.parse(form)
    if parses[0].tag.POS in _ASIDE:
        return ()
    likely = [parse for parse in parses[:6] if parse.score >= _LIKELY][:_LEMMAS]
    lemmas = dict.fromkeys(folded(parse.normal_form) for parse in likely)
    if not lemmas or not dictionary.word_is_known(form):
        lemmas[form] = None
    return tuple(lemmas)
