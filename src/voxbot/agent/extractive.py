"""Answers without a language model: the one to three sentences of the knowledge base that answer the question.

Each sentence is scored by what it holds of the question's words, numbers, units and models (weights as in the
lexical index of `knowledge`, made over these few sentences), by its heading, and by whether it holds the kind of fact
that was asked for (a price, hours, a term, an address).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxbot.agent.sentences import Sentence, plain, sentences_of
from voxbot.knowledge.lexical import LexicalIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.domain.ids import ChunkId
    from voxbot.knowledge.lexical import Concept
    from voxbot.knowledge.search import Hit, SearchResult

MAX_ANSWER_CHARS = 300
_MAX_SENTENCES = 3
_HITS = 3
_LEAD_SHARE = 0.6
"""What a word of the question counts for when only the heading over the sentence has it."""
_CUE_BONUS = 0.35
_SECOND_SHARE = 0.75
_MIN_SCORE = 0.3
_RIVAL_SCORE = 0.75
"""Sentences of a lower hit are looked at only when its score is at least this share of the best one's."""
_ANAPHORA = re.compile(r"^(?:Он|Она|Оно|Они|Это|Эта|Этот|Эти|Такой|Такая|Такие|Его|Её|Их|Там|Также|Поэтому|При этом)\b")


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found: sentences joined by `|`, and the passages they are from."""

    text: str
    sources: tuple[ChunkId, ...]


@dataclass(frozen=True, slots=True)
class _Cue:
    asked: re.Pattern[str]
    answered: re.Pattern[str]


_CUES = (
    _Cue(
        re.compile(r"сколько (?:\w+ )?сто[ия]|стоимост|\bцен[аыуе]|поч[её]м|расценк|прайс|сколько (?:\w+ )?(?:будет стоить|денег|обойд)|обойд[её]тся|по деньгам"),
        re.compile(r"\d[\d ]*(?:руб|₽|тыс|млн)|бесплатн|процент\w* от цены"),
    ),
    _Cue(
        re.compile(r"\bадрес|где (?:вы|вас|у вас|ваш|находит|офис|располож)|как (?:к вам )?(?:доехать|добраться|проехать)|куда (?:подъехать|приехать)"),
        re.compile(r"\bулиц|\bул\.|\bпроспект|\bдом \d|город|шоссе|вокзал|остановк"),
    ),
    _Cue(
        re.compile(r"час[ыаов]* работ|график|режим|до скольк|со скольк|во сколько|с какого часа|до какого часа|когда (?:вы )?(?:работает|открыт|закр)|выходн|по суббот"),
        re.compile(r"\d{1,2}(?::\d\d)? до \d|\d:\d\d|\d час|выходн|понедельник|суббот|круглосуточн"),
    ),
    _Cue(
        re.compile(r"как(?:ой|ие|ов\w*) срок|за сколько|сколько (?:\w+ )?(?:ждать|времени|дней|идет|едет|длит|занима|действует|делает|везти|везут)|как долго|как быстро|срок[иоа]?\b|когда (?:\w+ )?(?:привез|достав|отгруз|будет готов)|на сколько (?:лет|месяцев)|гаранти"),
        re.compile(r"\d (?:\w+ )?(?:дн|день|недел|месяц|год|лет|час|минут|сут)|(?:один|два|три|четыре|пять|десять|\w+надцать)\w* (?:\w+ )?(?:дн|день|месяц|год|лет)|бессрочн|раз в год"),
    ),
    _Cue(re.compile(r"телефон|позвонить|номер (?:тел|отдел)|дозвон|связаться"), re.compile(r"\d[\d ()-]{8,}\d|внутренн\w+ номер|добавочн")),
    _Cue(re.compile(r"почт|e-?mail|имейл|электронн\w+ адрес"), re.compile(r"@|почт")),
    _Cue(re.compile(r"сколько (?:\w+ )?вес|\bмасс[аыу]|тяжел"), re.compile(r"\d (?:кг|т\b|килограмм|тонн)")),
    _Cue(re.compile(r"скорост"), re.compile(r"\d (?:мм/|м/|миллиметр\w* в|метр\w* в)")),
    _Cue(re.compile(r"мощност|потребля|напряжени|питани|электрич"), re.compile(r"\d (?:к?вт|киловатт|ватт|в\b|вольт)")),
    _Cue(re.compile(r"габарит|размер|высот|ширин|глубин"), re.compile(r"\d (?:мм|см|м\b|миллиметр|метр)|×")),
    _Cue(re.compile(r"точност|погрешност"), re.compile(r"класс\w*[^.]* \d|погрешност|\d процент|%")),
    _Cue(re.compile(r"\bгост|стандарт"), re.compile(r"гост|iso|исо|astm")),
)  # fmt: skip


def extract(question: str, result: SearchResult, threshold: float) -> Extract | None:
    """Pick the sentences that answer `question`; None when the bases do not hold the answer.

    `threshold` is the score from which a hit counts as found.
    """
    hits = [hit for hit in result.hits[:_HITS] if hit.score >= max(threshold, _RIVAL_SCORE * result.hits[0].score)]
    if not hits:
        return None
    candidates = [(hit, sentence) for hit in hits for sentence in sentences_of(hit.text)]
    if not candidates:
        return None
    folded = question.lower().replace("ё", "е")
    scores, matrix, weights = _score(folded, hits, candidates)
    best = int(scores.argmax())
    if scores[best] < _MIN_SCORE:
        return None
    chosen = _choose(folded, scores, matrix, weights, candidates)
    return _compose(chosen, candidates)


def _score(
    question: str, hits: Sequence[Hit], candidates: Sequence[tuple[Hit, Sentence]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (candidates,), held (candidates, concepts) 0-1, weights (concepts,) that add up to 1."""
    texts = [sentence.text for _, sentence in candidates]
    leads = list(dict.fromkeys([*(sentence.lead for _, sentence in candidates), *(plain(hit.title) for hit in hits)]))
    index = LexicalIndex([*texts, *leads], range(len(texts) + len(leads)))
    concepts: list[Concept] = index.understand(question)
    total = sum(concept.weight for concept in concepts)
    if not total:
        zeros = np.zeros(len(texts))
        return zeros, np.zeros((len(texts), 0)), np.zeros(0)
    weights = np.array([concept.weight for concept in concepts]) / total
    held = np.stack([index.score([concept]).coverage if concept.terms else np.zeros(index.size) for concept in concepts], axis=1)
    lead_rows = {lead: len(texts) + row for row, lead in enumerate(leads)}
    above = np.stack(
        [np.maximum(held[lead_rows[sentence.lead]], held[lead_rows[plain(hit.title)]]) for hit, sentence in candidates]
    )
    matrix = np.maximum(held[: len(texts)], _LEAD_SHARE * above)
    cues = np.array([_cue_bonus(question, text.lower().replace("ё", "е")) for text in texts])
    likeness = np.array([hit.score / hits[0].score for hit, _ in candidates])
    return (matrix @ weights + cues) * likeness, held[: len(texts)], weights


def _cue_bonus(question: str, sentence: str) -> float:
    asked = [cue for cue in _CUES if cue.asked.search(question)]
    if not asked:
        return 0.0
    met = sum(bool(cue.answered.search(sentence)) for cue in asked)
    return _CUE_BONUS * met / len(asked)


def _choose(
    question: str,
    scores: np.ndarray,
    matrix: np.ndarray,
    weights: np.ndarray,
    candidates: Sequence[tuple[Hit, Sentence]],
) -> list[int]:
    """The best sentence, then those that add an asked-for fact which the chosen ones lack."""
    order = [int(index) for index in np.argsort(-scores, kind="stable")]
    chosen = [order[0]]
    for index in order[1:]:
        if len(chosen) >= _MAX_SENTENCES or scores[index] < _SECOND_SHARE * scores[chosen[0]]:
            break
        held = matrix[chosen].max(axis=0) if len(weights) else weights
        gain = float(np.maximum(matrix[index] - held, 0) @ weights) if len(weights) else 0.0
        if gain > 0.1 or _new_cue(question, index, chosen, candidates):  # noqa: PLR2004 - a tenth of the question
            chosen.append(index)
    return sorted(chosen, key=lambda index: (index != chosen[0] and candidates[index][0] is not candidates[chosen[0]][0], index))


def _new_cue(question: str, index: int, chosen: Sequence[int], candidates: Sequence[tuple[Hit, Sentence]]) -> bool:
    """Whether the sentence answers a part of the question («адрес и часы работы») that the chosen ones do not."""
    said = " ".join(candidates[row][1].text for row in chosen).lower()
    text = candidates[index][1].text.lower()
    return any(
        cue.asked.search(question) and cue.answered.search(text) and not cue.answered.search(said) for cue in _CUES
    )


def _compose(chosen: Sequence[int], candidates: Sequence[tuple[Hit, Sentence]]) -> Extract:
    parts: list[str] = []
    sources: dict[ChunkId, None] = {}
    length = 0
    for row in chosen:
        hit, sentence = candidates[row]
        for text in _spoken(row, chosen, candidates):
            if parts and length + len(text) > MAX_ANSWER_CHARS:
                return Extract("|".join(parts), tuple(sources))
            if text not in parts:
                parts.append(text)
                length += len(text)
        sources[hit.chunk_id] = None
    return Extract("|".join(parts), tuple(sources))


def _spoken(row: int, chosen: Sequence[int], candidates: Sequence[tuple[Hit, Sentence]]) -> list[str]:
    """The sentence as it can be said by itself: with its lead, its list, or what its pronoun stands for."""
    hit, sentence = candidates[row]
    if sentence.fragment and sentence.lead:
        items = [
            other.text.rstrip(".")
            for other_hit, other in candidates
            if other_hit is hit and other.group == sentence.group and other.fragment
        ]
        whole = f"{sentence.lead}: {', '.join(items)}."
        if len(items) > 1 and len(whole) <= MAX_ANSWER_CHARS and not any(char.isdigit() for char in whole):
            return [whole]
        return [f"{sentence.lead}: {sentence.text}"]
    if _ANAPHORA.match(sentence.text) and row and row - 1 not in chosen and candidates[row - 1][0] is hit:
        return [candidates[row - 1][1].text, sentence.text]
    return [sentence.text]
