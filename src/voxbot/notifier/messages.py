"""The text of a call's message: a view and the names known so far, through a template.

Telegram takes HTML of a few tags, in which `&`, `<` and `>` of any value must be escaped, or the message is refused.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jinja2
import structlog
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from voxbot.domain.errors import ConfigError
from voxbot.notifier.numbering import is_internal
from voxbot.notifier.phones import Masking, masked_words, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from voxbot.notifier.calls import CallView, Stage

log = structlog.get_logger(__name__)

MAX_CHARACTERS = 4096
"""Of a message's text without its tags (Telegram's limit)."""

HIDDEN_NUMBER = "Номер не определен"

_MOST_LISTED = (30, 10, 3)
"""How many people are listed: of fewer, the text fits with the longest names."""

_LONGEST_NAME = 64
_FOLDER = re.compile(r"\w[\w.-]*")
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Names:
    """What is known beside the call's events, as far as it has been found; missing things are left out of the text.

    `managers` by extension or mobile, `lines` by line id, `customer` of this call's customer. `recording_url` is
    shown for answered calls alone, `details_url` in the final message.
    """

    managers: Mapping[str, str] = field(default_factory=dict[str, str])
    lines: Mapping[str, str] = field(default_factory=dict[str, str])
    customer: str | None = None
    recording_url: str | None = None
    details_url: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a chat should show of a call: Telegram HTML, at most 4096 characters. A new `moment` is a new message."""

    stage: Stage
    moment: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the enterprise: `text` is `Имя (151)` or `151`, `sign` ☎️ or, for a mobile, 📱."""

    sign: str
    text: str

    def __str__(self) -> str:
        """The person as one item of a list."""
        return self.sign + self.text


class Texts:
    """The templates in force.

    A template is looked for in `overrides_dir/ENTERPRISE`, in `overrides_dir`, and among the built-in ones
    (`start`, `dial`, `bridge`, `hangup`, each `.html.j2`). A changed file is used from the next message on. Lines that
    come out empty are left out. Raises ConfigError that names an override's file, line and fault at the start; an
    override that turns out wrong later is told in the log, and the built-in text is used.
    """

    def __init__(self, overrides_dir: Path | None = None) -> None:
        self._overrides_dir = overrides_dir
        self._built_in = _environment(_package())
        self._environments: dict[str, jinja2.Environment] = {}
        if overrides_dir:
            for path in sorted(overrides_dir.rglob("*.j2")):
                self._check(path)

    def render(
        self, view: CallView, names: Names, *, enterprise: str, masking: Masking = Masking.NONE
    ) -> Message | None:
        """Write the message, None if the view has none. Never raises."""
        if not view.shown:
            return None
        name = f"{view.stage}.html.j2"
        values = _values(view, names, masking, _MOST_LISTED[0])
        text = ""
        if self._overrides_dir:
            try:
                text = _rendered(self._environment_of(enterprise), name, values)
            except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OSError) as error:
                log.error("Шаблон сообщения негоден, взят встроенный", template=name, reason=str(error))
        if not _fits(text):
            text = self._render_built_in(view, names, masking)
        return Message(stage=view.stage, moment=view.moment, text=text)

    def _render_built_in(self, view: CallView, names: Names, masking: Masking) -> str:
        text = ""
        for most in _MOST_LISTED:
            text = _rendered(self._built_in, f"{view.stage}.html.j2", _values(view, names, masking, most))
            if _fits(text):
                break
        return text

    def _environment_of(self, enterprise: str) -> jinja2.Environment:
        folder = self._overrides_dir
        if folder is None or not _FOLDER.fullmatch(enterprise):
            return self._built_in
        if enterprise not in self._environments:
            loaders = (jinja2.FileSystemLoader([folder / enterprise, folder]), _package())
            self._environments[enterprise] = _environment(jinja2.ChoiceLoader(loaders))
        return self._environments[enterprise]

    def _check(self, path: Path) -> None:
        try:
            self._built_in.parse(path.read_text(encoding="utf-8"))
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError(f"{path}, строка {error.lineno}: {error.message}; исправьте шаблон сообщения") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: шаблон не читается ({error}); проверьте права, сохраните в UTF-8") from error


def _package() -> jinja2.BaseLoader:
    return jinja2.PackageLoader("voxbot.notifier", "templates")


def _environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(
        loader=loader, autoescape=True, finalize=_escaped, undefined=jinja2.StrictUndefined, trim_blocks=True
    )


def _escaped(value: object) -> Markup:
    """Escape what Telegram needs escaped, and leave quotes readable: in attributes templates use `|e`."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else html.escape(str(value), quote=False))  # noqa: S704 - escaped here


def _rendered(environment: jinja2.Environment, name: str, values: Mapping[str, Any]) -> str:
    lines = environment.get_template(name).render(values).splitlines()
    return "\n".join(stripped for line in lines if (stripped := line.strip()))


def _fits(text: str) -> bool:
    return 0 < len(html.unescape(_TAG.sub("", text))) <= MAX_CHARACTERS


def _values(view: CallView, names: Names, masking: Masking, most: int) -> dict[str, Any]:
    """What a template can use; lists of people hold `most` of them."""

    def name(text: str | None, *, masked: bool) -> str:
        return _tidy(masked_words(text) if text and masked else text)

    def person(number: str) -> Person:
        shown = _tidy(written(number, masked=masking is Masking.ALL))
        known = name(names.managers.get(number), masked=masking is Masking.ALL)
        sign = "☎️" if is_internal(number) or not number.isdigit() else "📱"
        return Person(sign, f"{known} ({shown})" if known else shown)

    def people(numbers: Iterable[str]) -> list[Person]:
        return [person(number) for number in numbers]

    hidden = masking is not Masking.NONE
    customer_name = name(names.customer, masked=hidden) or name(view.customer_name, masked=hidden)
    number = written(view.customer, masked=hidden) if view.customer else HIDDEN_NUMBER
    line_name = _tidy(names.lines.get(view.line)) if view.line else ""
    return {
        "call": view,
        "direction": view.direction,
        "customer": f"{_tidy(number)} ({customer_name})" if customer_name else _tidy(number),
        # The last of them talks now, and the first has the line.
        "managers": people(
            view.managers if len(view.managers) <= most else (*view.managers[: most - 1], view.managers[-1])
        ),
        "more_managers": max(0, len(view.managers) - most),
        "rang": people(view.rang[:most]),
        "more_rang": max(0, len(view.rang) - most),
        "unanswered": person(view.unanswered) if view.unanswered else None,
        "caller": person(view.caller) if view.caller else None,
        "callee": person(view.callee) if view.callee else None,
        "line": line_name or (f"Линия: {_tidy(view.line)}" if view.line else ""),
        "started": f"{view.started_at:%H:%M}" if view.started_at else "",
        "duration": _minutes(view.duration_s),
        "recording_url": _link(names.recording_url) if view.success else "",
        "details_url": _link(names.details_url),
    }


def _tidy(text: str | None) -> str:
    """One line of bounded length."""
    line = " ".join((text or "").split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"


def _minutes(duration_s: int | None) -> str:
    return "" if duration_s is None else "{:02}:{:02}".format(*divmod(duration_s, 60))


def _link(url: str | None) -> str:
    return url if url and url.startswith(("http://", "https://")) else ""
