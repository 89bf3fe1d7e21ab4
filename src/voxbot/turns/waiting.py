"""Requests to wait: «подождите минутку», «сейчас посмотрю», «не кладите трубку».

The words of waiting also stand in questions («крутящий момент», «минуту назад») and before them («подождите, а
гарантия?»). So they are taken away, and it is a request only if what is left says nothing of its own: politeness, a
name, and what the caller is about to do («я запишу», «возьму ручку», «посмотрю в документах»).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxbot.knowledge.words import fold
from voxbot.text.wordlist import word_set
from voxbot.turns.grammar import read_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.turns.grammar import Word

_MAX_WORDS = 14
_BETWEEN_WORDS = re.compile(r"[^а-яa-z\d]+")

_SPAN = r"(?:(?:минут|секунд)(?:а|у|ы|к[уи]|оч?к[уиа])?|сек|момент(?:ик)?|мгновенье|мгновение)"
_HOW_LONG = r"(?:одн[уа]|один|пару|полторы|две|три|пять|десять|буквально|хоть|на|еще|\d{1,2})"
_REQUEST = re.compile(
    r"\b(?:"
    r"подожд(?:и|ите|ать|ете)|давай(?:те)? подождем|погоди(?:те)?|обожди(?:те)?|(?<!\bне )ждите|(?:по)?стой(?:те)?"
    r"|потерпите|(?:побудьте|оставайтесь|повисите) (?:пока )?(?:на (?:линии|связи|проводе)|со мной)|повисите"
    r"|не (?:кладите|клади|бросайте|вешайте|сбрасывайте|ложите)(?: пока)?(?: трубк[уи])?"
    r"|не (?:отключайтесь|отключайте|уходите|пропадайте|разъединяйтесь|разъединяйте)"
    rf"|дай(?:те)?(?: ка| мне| нам| {_HOW_LONG})* (?:{_SPAN}|врем(?:я|ени))"
    r"|дай(?:те)?(?: ка| мне| нам| я| сначала| только)* (?:(?:по)?думать|вспомнить|сообразить|записать|посмотреть"
    r"|глянуть|найти|взять|проверить|подумаю|вспомню|соображу|запишу|посмотрю|гляну|найду|возьму|проверю|ручку)"
    rf"|(?<!\bза )(?<!\bв )(?<!\bчерез )(?:{_HOW_LONG} )*{_SPAN}"
    r"|(?:минут|секунд)(?:очек)? (?:пару|пять|десять|две|три)|полминут(?:ы|к[иу])"
    r")\b"
)
"""Over words in lower case with single spaces."""

_NOW = word_set("сейчас щас ща сичас")
_LOOKING = word_set("""
    гляну глянем найду найдем возьму возьмем запишу запишем перепишу проверю проверим посмотрю посмотрим вспомню
    вернусь открою открываю достану достанем подниму продиктую скажу подумаю соображу отойду выйду сяду присяду включу
    надену ищу ищем поищу поищем беру смотрю смотрим записываю пишу бегу иду схожу загляну прочту прочитаю отвечу
    освобожусь остановлюсь припаркуюсь поставлю взять найти посмотреть записать записывать проверить вспомнить
""")
_ASKING_ROUND = word_set("""
    уточню уточним спрошу спросим узнаю узнаем подойду подойдет позову передам дам поговорю
""")
"""What callers do while the bot waits: by themselves, with others."""
_SEEKING = word_set("ищу ищем поищу")
_TAKING = word_set("возьму возьмем найду найдем достану беру взять найти") | _SEEKING
_WRITING = word_set("ручка ручку ручкой ручки бумагу бумажку карандаш листок листочек блокнот тетрадь очки")
_PAPERS = word_set("""
    документ договор номер счет запись заявка заказ накладная паспорт спецификация файл папка почта письмо компьютер
    ноутбук монитор экран таблица бумага артикул инн реквизит карточка шильдик табличка дверь стол кабинет цех
    лаборатория название марка модель дата телефон накладной накладный точно
""")
_PEOPLE = word_set("""
    коллега бухгалтер бухгалтерия начальник директор инженер механик мастер муж жена сын дочь снабженец шеф лаборант
    технолог главный трубка
""")
"""Lemmas of what is looked for and where, of who is asked; only beside what the caller does about them."""
_ASIDE = re.compile(
    r"\bна (?:машине|прессе|станке|приборе|корпусе|складе)\b"
    r"|(?<!\bне )\b(?:надо|нужно|хочу) (?=(?:записать|посмотреть|найти|взять|проверить|вспомнить)\b)"
)
_BESIDE = word_set("""
    пожалуйста спасибо извините извини простите прошу ну да нет но а и так вот ой ох ага угу э эм ээ мм ммм хорошо ладно
    окей алло алле здравствуйте добрый день девушка мужчина уважаемый будьте добры любезны я мы мне нам меня нас вы ты
    вас мой моя свой свою свои мою мои наш нашу наши у в во на за к с со из по там тут здесь только быстренько
    немного немножко немножечко чуть чуточку пока еще сначала сперва просто же ка бы ли если можно можете могли можешь
    не могу пишет нет сам сама скоро тоже ведь уже сию эту успеваю успел успела занят занята отвлекусь тогда прямо рядом
    под рукой другой другую трубку отвлекают отвлекли звонят линию линии связь громкую
""")
"""Says nothing of its own beside a request to wait."""
_ASKS_ALONE = word_set("момент моментик сек стойте стой") | _NOW
"""A request by itself, but not with a question mark («Момент?», «Сейчас?»)."""
_BESIDE_NOW = word_set("ну так вот ой ага угу э эм ээ мм ммм пожалуйста извините простите алло") | _NOW
_MIN_NAME_CHARS = 4
"""Shorter names are also models («РЭМ»)."""


def asks_to_wait(text: str) -> bool:
    """Whether the caller asks the bot to wait and wants nothing else («подождите минутку», «сейчас посмотрю»)."""
    flat = " ".join(_BETWEEN_WORDS.sub(" ", fold(text)).split())
    forms = flat.split()
    if not forms or len(forms) > _MAX_WORDS or ("?" in text and _ASKS_ALONE.issuperset(forms)):
        return False
    rest, requests = _REQUEST.subn(" ", flat)
    words = read_words(_ASIDE.sub(" ", rest))
    said = frozenset(word.form for word in words)
    if not requests and not _is_about_to_look(words, said):
        return False
    return all(_says_nothing(word, said) for word in words)


def _is_about_to_look(words: Sequence[Word], said: frozenset[str]) -> bool:
    """«Сейчас посмотрю», «я ищу номер», «возьму ручку», or «сейчас» by itself."""
    if said & _NOW:
        return bool(said & (_LOOKING | _ASKING_ROUND)) or said <= _BESIDE_NOW
    wanted = bool(said & _WRITING) or (bool(said & _SEEKING) and any(word.lemma in _PAPERS for word in words))
    return wanted and bool(said & _TAKING)


def _says_nothing(word: Word, said: frozenset[str]) -> bool:
    if word.is_number:
        return False
    if any(word.form in known for known in (_BESIDE, _NOW, _LOOKING, _ASKING_ROUND, _WRITING)):
        return True
    asks_round = bool(said & _ASKING_ROUND)
    if word.lemma in _PAPERS:
        return asks_round or bool(said & _LOOKING)
    return (asks_round and word.lemma in _PEOPLE) or _is_name(word)


def _is_name(word: Word) -> bool:
    return len(word.form) >= _MIN_NAME_CHARS and (word.has("Name") or word.has("Patr"))
