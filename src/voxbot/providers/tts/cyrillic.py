"""Reduce a text to what a Russian-only voice can pronounce: Cyrillic letters, digits and plain punctuation."""

from __future__ import annotations

import re
import unicodedata

_SYMBOLS = {
    "№": " номер ",
    "%": " процентов ",
    "°": " градусов ",
    "+": " плюс ",
    "=": " равно ",
    "&": " и ",
    "@": " собака ",
    "$": " долларов ",
    "€": " евро ",
    "₽": " рублей ",
    "×": " на ",
    "±": " плюс-минус ",
    "…": ".",
    ";": ",",
    ":": ",",
    "—": ",",
    "–": ",",
    "(": ",",
    ")": ",",
    "\N{COMBINING ACUTE ACCENT}": "",
}
_LATIN = {
    "sch": "ш", "sh": "ш", "ch": "ч", "th": "т", "ph": "ф", "kh": "х", "zh": "ж", "ts": "ц", "ck": "к", "qu": "кв",
    "ee": "и", "oo": "у", "ya": "я", "yu": "ю", "yo": "ё",
    "a": "а", "b": "б", "c": "к", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "дж", "k": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в",
    "w": "в", "x": "кс", "y": "и", "z": "з",
}  # fmt: skip
_LATIN_PIECE = re.compile("|".join(_LATIN), re.IGNORECASE | re.ASCII)
_ABBREVIATION = re.compile(r"\b[A-Z]{2,5}\b")
_LETTER_NAMES = {
    "A": "эй", "B": "би", "C": "си", "D": "ди", "E": "и", "F": "эф", "G": "джи", "H": "эйч", "I": "ай", "J": "джей",
    "K": "кей", "L": "эл", "M": "эм", "N": "эн", "O": "о", "P": "пи", "Q": "кью", "R": "ар", "S": "эс", "T": "ти",
    "U": "ю", "V": "ви", "W": "дабл-ю", "X": "икс", "Y": "уай", "Z": "зед",
}  # fmt: skip


def to_cyrillic(text: str) -> str:
    """Name symbols, write Latin words in Cyrillic, drop the rest. Empty if nothing can be pronounced.

    The result matches `[а-яёА-ЯЁ0-9 .,!?-]*`, and punctuation follows a letter or digit.
    """
    text = _ABBREVIATION.sub(lambda match: " ".join(_LETTER_NAMES[letter] for letter in match[0]), text)
    for symbol, spoken in _SYMBOLS.items():
        text = text.replace(symbol, spoken)
    # «é» becomes «e», but «й» and «ё» stay letters of their own.
    text = "".join(char if char in "йёЙЁ" else unicodedata.normalize("NFKD", char)[0] for char in text)
    text = _LATIN_PIECE.sub(lambda match: _LATIN[match[0].lower()], text)
    text = re.sub(r"[^а-яёА-ЯЁ0-9.,!?-]+", " ", text)
    text = re.sub(r"(?<![а-яёА-ЯЁ0-9])-+|-+(?![а-яёА-ЯЁ0-9])", " ", text)
    text = re.sub(r"\s*([.,!?])(?:[\s.,!?]*[.,!?])?", r"\1 ", text)
    return re.sub(r"\s+", " ", re.sub(r"^[\s.,!?]+", "", text)).strip()
