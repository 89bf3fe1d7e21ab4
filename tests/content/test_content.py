"""The shipped knowledge bases, prompts and questions hold together."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KB_NAMES = ("general", "tech")
HEADING = re.compile(r"^(#{1,6}) (\S.*)$", re.MULTILINE)
QUESTION_KEYS = {"id", "q", "kb", "sections", "must", "kind"}
GREETING_CHARS_MAX = 90  # six seconds of speech at 15 characters a second


def read_sections(kb: str) -> list[str]:
    text = (ROOT / "kb" / f"{kb}.md").read_text(encoding="utf-8")
    return [section.strip() for section in re.split(r"^<<->>$", text, flags=re.MULTILINE)]


def by_title(kb: str) -> dict[str, str]:
    """Return each section's text under its heading."""
    found: dict[str, str] = {}
    for section in read_sections(kb):
        heading, _, body = section.partition("\n")
        found[heading.lstrip("# ")] = body.strip()
    return found


def read_questions() -> list[dict[str, Any]]:
    lines = (ROOT / "bench" / "data" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("kb", KB_NAMES)
def test_every_section_is_one_heading_with_facts(kb: str) -> None:
    """A heading alone, or a second one inside, would give an empty or a mixed answer."""
    sections = read_sections(kb)
    assert len(sections) >= 40
    for section in sections:
        headings = HEADING.findall(section)
        assert len(headings) == 1, section
        assert section.startswith("#"), section
        sentences = [line for line in section.split("\n")[1:] if line.strip()]
        assert 2 <= len(sentences) <= 8, headings
        assert all(line.endswith(".") for line in sentences), headings
        assert sentences[0].rstrip(".") != headings[0][1], headings


@pytest.mark.parametrize("kb", KB_NAMES)
def test_headings_nest_without_gaps(kb: str) -> None:
    """The heading path of a section makes sense: no level is skipped on the way down."""
    level_before = 0
    for section in read_sections(kb):
        level = len(HEADING.findall(section)[0][0])
        assert level <= min(level_before + 1, 4), section
        level_before = level


def test_headings_are_unique_over_both_bases() -> None:
    """A hit is recognised by its title, so two sections must not share one."""
    titles = Counter(title for kb in KB_NAMES for _, title in HEADING.findall("\n".join(read_sections(kb))))
    assert [title for title, count in titles.items() if count > 1] == []


@pytest.mark.parametrize("kb", KB_NAMES)
def test_no_sentence_is_said_twice(kb: str) -> None:
    """A repeated sentence would be one fact in two places, free to diverge."""
    sentences = Counter(line for section in read_sections(kb) for line in section.split("\n")[1:] if line.strip())
    assert [line for line, count in sentences.items() if count > 1] == []


def test_only_the_general_base_names_prices() -> None:
    """«Сколько стоит» has one home, so that the router cannot pick the wrong one."""
    assert not [title for title, text in by_title("tech").items() if re.search("рубл", text)]


@pytest.mark.parametrize("question", read_questions(), ids=[question["id"] for question in read_questions()])
def test_question_is_answered_where_it_says(question: dict[str, Any]) -> None:
    """Each named section exists in the named base and holds the expected fact."""
    assert question.keys() == QUESTION_KEYS
    assert question["q"].strip()
    if question["kind"] == "unanswerable":
        assert (question["kb"], question["sections"], question["must"]) == (None, [], [])
        return
    assert question["kind"] in {"plain", "slip", "followup-free"}
    assert question["sections"]
    assert question["must"]
    texts = by_title(question["kb"])
    for title in question["sections"]:
        for fact in question["must"]:
            assert fact in texts[title], (title, fact)


def test_questions_are_balanced_and_distinct() -> None:
    questions = read_questions()
    assert Counter(question["kb"] for question in questions) == {"general": 50, "tech": 50, None: 20}
    for key in ("id", "q"):
        assert len({question[key] for question in questions}) == len(questions)


def test_prompts_have_what_the_agent_needs() -> None:
    prompts = json.loads((ROOT / "config" / "prompts.json").read_text(encoding="utf-8"))
    assert prompts.keys() == {"greeting", "contextualize_q_system_prompt", "qa_system_prompt"}
    assert all(re.search("[а-яё]", text) for text in prompts.values())
    assert len(prompts["greeting"]) <= GREETING_CHARS_MAX
    assert "{context}" in prompts["qa_system_prompt"]
    assert "не знаю" in prompts["qa_system_prompt"]


@pytest.mark.parametrize("key", ["greeting", "contextualize_q_system_prompt", "qa_system_prompt"])
def test_prompt_holds_no_brace_but_the_context(key: str) -> None:
    """Prompts are filled as format strings: a stray brace would break every answer."""
    prompts = json.loads((ROOT / "config" / "prompts.json").read_text(encoding="utf-8"))
    assert not re.search(r"[{}]", prompts[key].replace("{context}", ""))
