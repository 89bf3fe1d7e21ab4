"""Arguments of Stasis(): what of them a call gets, and what staff read about the rest."""

from voxbot.call.overrides import CallOverrides
from voxbot.settings.loader import load_settings


def test_right_arguments_hold_and_wrong_ones_are_told_without_ending_the_call(capsys):
    base = load_settings(environ={})
    settings = CallOverrides(
        lambda: base, ["79161234567", "TURN_BARGE_IN_MS=много", " TURN_END_SILENCE_MS = 1200 ", "KB_TOP_K=5", ""]
    )()
    assert settings.turns.end_silence_ms == 1200
    assert settings.turns.barge_in_ms == base.turns.barge_in_ms
    log = capsys.readouterr().out
    assert log.count("TURN_BARGE_IN_MS") == log.count("KB_TOP_K") == log.count("Аргумент 1") == 1
    assert "79161234567" not in log, "a number never stands in the log"


def test_values_that_fit_only_together_are_taken_together():
    base = load_settings(environ={})
    arguments = ["TURN_END_SILENCE_MS=220", "TURN_SPECULATE_SILENCE_MS=100"]
    assert CallOverrides(lambda: base, arguments)().turns.end_silence_ms == 220


def test_a_reload_reaches_the_call(capsys):
    now = load_settings(environ={})
    source = CallOverrides(lambda: now, ["TURN_END_SILENCE_MS=500"])
    first = source()
    assert source() is first, "the same base gives the same object"
    now = load_settings(environ={"TURN_BARGE_IN_MS": "400"})
    assert (source().turns.end_silence_ms, source().turns.barge_in_ms) == (500, 400)
    now = load_settings(environ={"TURN_SPECULATE_SILENCE_MS": "600"})
    assert source().turns.end_silence_ms == now.turns.end_silence_ms, "what no longer fits gives way"
    assert "общие" in capsys.readouterr().out
