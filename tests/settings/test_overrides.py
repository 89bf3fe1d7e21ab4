"""Settings of one call over those of the process."""

import pytest

from voxbot.domain.errors import ConfigError
from voxbot.settings.loader import load_settings, with_overrides


@pytest.fixture
def base(tmp_path):
    path = tmp_path / ".env"
    path.write_text("TURN_BARGE_IN_MS=300\nMAX_CALL_SECONDS=600\n")
    return load_settings(path, {})


def test_values_of_a_call_stand_over_the_others(base):
    own = with_overrides(base, {"TURN_END_SILENCE_MS": "1200", "TURN_GREETING_INTERRUPTIBLE": "no"})
    assert (own.turns.end_silence_ms, own.turns.greeting_interruptible) == (1200, False)
    assert (own.turns.barge_in_ms, own.call.max_s) == (300, 600)
    assert base.turns.greeting_interruptible
    assert with_overrides(base, {}) == base


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"TURN_BARGE_IN_MS": "много"},
            "TURN_BARGE_IN_MS='много' (аргумент звонка): нужно целое число от 64 до 2000 мс",
        ),
        ({"ARI_PASSWORD": "x"}, "ARI_PASSWORD: такой переменной звонку задать нельзя"),
        ({"NO_SUCH": "x"}, "NO_SUCH: такой переменной звонку задать нельзя"),
    ],
)
def test_a_wrong_value_is_named(base, values, complaint):
    with pytest.raises(ConfigError) as caught:
        with_overrides(base, values)
    assert str(caught.value) == complaint


def test_values_that_contradict_the_others_are_refused(base):
    with pytest.raises(ConfigError, match="TURN_SPECULATE_SILENCE_MS"):
        with_overrides(base, {"TURN_END_SILENCE_MS": "200"})


def test_dialling_needs_a_phone_to_dial(tmp_path):
    path = tmp_path / ".env"
    path.write_text("OPERATOR_TRANSFER=dial\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert "OPERATOR_ENDPOINT" in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_text("OPERATOR_TRANSFER=dial\nOPERATOR_ENDPOINT=PJSIP/operator\n")
    assert load_settings(path, {}).operator.endpoint == "PJSIP/operator"


def test_a_phone_without_a_technology_is_refused_with_an_example(tmp_path):
    path = tmp_path / ".env"
    path.write_text("OPERATOR_ENDPOINT=operator\n")
    with pytest.raises(ConfigError, match=r"OPERATOR_ENDPOINT='operator'.*технология/адрес"):
        load_settings(path, {})
