"""The two READMEs tell the same story."""

import re
from pathlib import Path

REPO = Path(__file__).parents[2]
EN = (REPO / "README.md").read_text()
RU = (REPO / "README.ru.md").read_text()


def blocks(text):
    return re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)


def test_code_blocks_are_identical():
    assert blocks(EN) == blocks(RU)
    assert len(blocks(EN)) >= 8


def test_both_have_the_same_sections():
    assert len(re.findall(r"^## ", EN, re.MULTILINE)) == len(re.findall(r"^## ", RU, re.MULTILINE))


def test_local_links_lead_somewhere():
    for text in (EN, RU):
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            if "://" not in target:
                assert (REPO / target).exists(), target


def test_named_variables_exist():
    example = (REPO / ".env.example").read_text()
    for name in set(re.findall(r"`([A-Z][A-Z0-9]+_[A-Z0-9_]+)`", EN + RU)):
        assert name in example, name
