"""Letters that no voice reads well by itself: abbreviations, Latin words, addresses of mail and sites."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources

from voxbot.text.wordlist import listed

_RUSSIAN_NAMES = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        listed(
            "а бэ вэ гэ дэ е ё жэ зэ и й ка эль эм эн о пэ эр эс тэ у эф ха цэ чэ ша ща твёрдый-знак ы"
            " мягкий-знак э ю я"
        ),
        strict=True,
    ),
)
_LATIN_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        listed("а бэ цэ дэ е эф гэ аш и йот ка эль эм эн о пэ ку эр эс тэ у вэ дубль-вэ икс игрек зет"),
        strict=True,
    ),
)
_CLUSTERS = {
    "shch": "щ", "sch": "ш", "tch": "ч", "igh": "ай", "sh": "ш", "ch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "ph": "ф",
    "th": "т", "ck": "к", "qu": "кв", "ee": "и", "oo": "у", "ya": "я", "yu": "ю", "yo": "ё", "ye": "е", "ou": "ау",
    "ow": "оу", "ew": "ью", "ay": "эй", "ey": "ей", "ai": "эй", "ea": "и",
}  # fmt: skip
_SOUNDS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        listed("а б к д е ф г х и дж к л м н о п к р с т у в в кс и з"),
        strict=True,
    ),
)
_CLUSTER = re.compile("|".join(sorted(_CLUSTERS, key=len, reverse=True)) + "|[a-z]")
_READ_AS_WORD = re.compile(
    r"[бвгджзклмнпрстфхцчшщ][аеиоуыэюя][бвгджзклмнпрстфхцчшщ]{1,2}"
    r"|(?:[бвгджзклмнпрстфхцчшщ][аеиоуыэюя]){2}[бвгджзклмнпрстфхцчшщ]",
)
_VOWELS = frozenset("aeiouy")

_CAPITALS = re.compile(r"(?<![\w])([А-ЯЁ]{2,6})(?:(?!\w|-)|-(?=[А-ЯЁа-яё]{3})|(?=-))")
_LONG_WORD = re.compile(r"[^\W\d_]{6}")
_SINGLE_CAPITAL = re.compile(r"(?<=[\w»)] )[БВГДЕЁЖЗЛМНПРСТФХЦЧШЩ](?![\w.])")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿĀ-ſ]+(?:-[A-Za-z]+)*")
_LATIN_HYPHEN = re.compile(r"(?<=[A-Z]{2})-(?=[а-яё])")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+")
_SITE = re.compile(r"(?<![\w.@-])(?:https?://)?(?:www\.)?((?:[A-Za-z0-9-]++\.)+[A-Za-z]{2,8})(/[\w\-./?=&%]*)?(?!\w)")

_PATH_IS_THE_NAME = frozenset(("t.me", "vk.com", "wa.me", "vk.me"))


@cache
def dictionary(section: str) -> dict[str, str]:
    """One section of `data/spoken.toml`."""
    text = resources.files("voxbot.text").joinpath("data", "spoken.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)[section]


def read_abbreviation(capitals: str) -> str:
    """«рэм» for РЭМ, «эр гэ эм» for РГМ: a word where it can be said as one, letters where not."""
    known = dictionary("abbreviations").get(capitals)
    if known is not None:
        return known
    lower = capitals.lower()
    if _READ_AS_WORD.fullmatch(lower):
        return lower
    return spell(lower)


def spell(text: str) -> str:
    """Letter by letter, each by its name; what is no letter is left out."""
    names = (_RUSSIAN_NAMES.get(letter) or _LATIN_NAMES.get(letter) for letter in text.lower())
    return " ".join(name.replace("-", " ") for name in names if name)


def read_latin(word: str) -> str:
    """A Latin word in Russian letters: from the dictionary, by its sounds, or spelled."""
    lower = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    known = dictionary("latin").get(lower)
    if known is not None:
        return known
    if "-" in lower:
        return " ".join(read_latin(part) for part in word.split("-"))
    lower = "".join(c for c in lower if c in _LATIN_NAMES)
    if (word.isupper() and len(word) <= 5) or not _VOWELS & set(lower) or len(lower) < 2:  # noqa: PLR2004
        return spell(lower)
    silent_e = len(lower) > 3 and lower.endswith("e") and lower[-2] not in _VOWELS  # noqa: PLR2004 - «the» is not
    stem = lower[:-1] if silent_e else lower
    return _CLUSTER.sub(lambda m: _CLUSTERS.get(m.group()) or _SOUNDS[m.group()], stem)


def read_addresses(text: str) -> str:
    """«инфо собака метротест точка ру» for info@metrotest.ru; sites likewise, without protocol.

    The path is left out, but where it is the name itself («t.me/metrotest»).
    """
    text = _MAIL.sub(lambda m: _read_parts(m.group()), text)
    return _SITE.sub(_read_site, text)


def _read_site(match: re.Match[str]) -> str:
    host, path = match[1], match[2] or ""
    if host.lower() in _PATH_IS_THE_NAME and path.strip("/"):
        return f"{_read_parts(host)} слэш {_read_parts(path.strip('/'))}"
    return _read_parts(host)


def _read_parts(address: str) -> str:
    signs = {".": "точка", "@": "собака", "-": "дефис", "_": "нижнее подчёркивание", "+": "плюс"}
    parts = re.findall(r"[A-Za-z]+|[^\W\d_]+|\d+|[.@+_-]", address)
    return " ".join(
        signs.get(part) or (read_latin(part) if part.isascii() and part.isalpha() else part) for part in parts
    )


def read_capitals(text: str) -> str:
    """Every abbreviation in capitals, as it is said. A text all in capitals is taken for ordinary words."""
    if text.isupper() and len(text.split()) > 2 and _LONG_WORD.search(text):  # noqa: PLR2004 - a shouted sentence
        return text.lower()
    text = _CAPITALS.sub(lambda m: read_abbreviation(m[1]) + (" " if m.group().endswith("-") else ""), text)
    return _SINGLE_CAPITAL.sub(lambda m: spell(m.group()), text)


def read_latin_words(text: str) -> str:
    """Every Latin word in Russian letters."""
    return _LATIN.sub(lambda m: read_latin(m.group()), _LATIN_HYPHEN.sub(" ", text))
