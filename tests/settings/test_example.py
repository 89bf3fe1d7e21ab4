"""`.env.example` is the schema, written down."""

from __future__ import annotations

import re
from pathlib import Path

from voxbot.settings.catalog import variables
from voxbot.settings.example import render_example
from voxbot.settings.loader import load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_the_file_is_in_step_with_the_schema():
    hint = "run `python -m voxbot.settings.example > .env.example`"
    assert EXAMPLE.read_text(encoding="utf-8") == render_example(), hint


def test_it_is_in_the_operators_language():
    comments = [line for line in render_example().splitlines() if line.startswith("# ")]
    known = {"# ---- Asterisk ----"}
    assert [line for line in comments if not re.search("[а-яё]", line) and line not in known] == []


def test_every_line_uncommented_is_accepted_and_changes_nothing(tmp_path):
    path = tmp_path / ".env"
    lines = render_example().splitlines()
    assigned = [line[1:] for line in lines if line.startswith("#") and line[1:2].isupper() and "=" in line]
    path.write_text("\n".join(assigned), encoding="utf-8")
    assert len(assigned) == len(variables())
    assert load_settings(path, {}) == load_settings(Path("/dev/null"), {})
