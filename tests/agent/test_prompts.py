"""A prompts file that is missing or wrong never leaves the bot without prompts, and says what to do."""

import json

import pytest

from voxbot.agent.prompts import DEFAULT_PROMPTS, PromptsSource
from voxbot.domain.errors import ConfigError

GOOD = {
    "greeting": "Здравствуйте!",
    "contextualize_q_system_prompt": "Перепиши вопрос.",
    "qa_system_prompt": "Отвечай по справке: {context}",
}


def write(path, document):
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def test_file_is_read_and_context_put_in(tmp_path):
    path = tmp_path / "prompts.json"
    write(path, GOOD)
    prompts = PromptsSource(path).current
    assert prompts.greeting == "Здравствуйте!"
    assert prompts.qa_system("скидка {5}") == "Отвечай по справке: скидка {5}"


def test_missing_file_gives_usable_defaults(tmp_path):
    prompts = PromptsSource(tmp_path / "none.json").current
    assert prompts == DEFAULT_PROMPTS
    assert "Цена" in prompts.qa_system("Цена")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "строка 1"),
        ("[]", "объект JSON"),
        (json.dumps({**GOOD, "greeting": " "}), "greeting"),
        (json.dumps({"greeting": "Да"}), "contextualize_q_system_prompt"),
        (json.dumps({**GOOD, "qa_system_prompt": "без места"}), "{context}"),
    ],
)
def test_wrong_file_is_refused_by_name_and_reason(tmp_path, content, reason):
    path = tmp_path / "prompts.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        PromptsSource(path)
    assert "prompts.json" in str(error.value)
    assert reason in str(error.value)


def test_reload_takes_good_and_keeps_the_last_good_one(tmp_path):
    path = tmp_path / "prompts.json"
    write(path, GOOD)
    source = PromptsSource(path)
    write(path, {**GOOD, "greeting": "Алло!"})
    assert source.reload()
    path.write_text("сломано", encoding="utf-8")
    assert not source.reload()
    path.unlink()
    assert not source.reload()
    assert source.current.greeting == "Алло!"
