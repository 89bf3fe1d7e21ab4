"""Writes a scenario's events into its file, and touches nothing else there."""

import re

import yaml

_DIVIDER = re.compile(r"^---[^\n]*\n", re.MULTILINE)
_EVENTS = re.compile(r"^  events:.*\Z", re.MULTILINE | re.DOTALL)


def write_events(scenario, events):
    """Put `events` in place of the old ones, at the end of the scenario's `expect`, its last part."""
    text = scenario.file.read_text(encoding="utf-8")
    pieces = _DIVIDER.split(text)
    dividers = _DIVIDER.findall(text)
    for number, piece in enumerate(pieces):
        found = yaml.safe_load(piece)
        if found and found.get("title") == scenario.title:
            pieces[number] = _with_events(piece, events)
    whole = pieces[0] + "".join(divider + piece for divider, piece in zip(dividers, pieces[1:], strict=True))
    scenario.file.write_text(whole, encoding="utf-8")


def _with_events(piece, events):
    body = _EVENTS.sub("", piece).rstrip("\n") + "\n"
    if not re.search(r"^expect:", body, re.MULTILINE):
        body += "expect:\n"
    lines = yaml.safe_dump(events, allow_unicode=True, width=1000).splitlines()
    return body + "  events:\n" + "".join(f"    {line}\n" for line in lines)
