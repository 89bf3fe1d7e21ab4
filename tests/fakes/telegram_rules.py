"""What the Bot API refuses: texts that are no HTML, and too many requests."""

import re
import time
from collections import defaultdict, deque

_TAGS = re.compile(r"</?(\w[\w-]*)[^<>]*>")
_ALLOWED = {"b", "i", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler"}
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);)")
_BOT_SECOND, _CHAT_SECOND, _GROUP_MINUTE = 30, 1, 20
_BURST = 3
"""More messages than one that a chat bears in a second now and then; Telegram does not say how many."""


class RateLimits:
    """30 requests a second for a bot, about one message a second in a chat, 20 a minute in a group."""

    def __init__(self):
        self._accepted = defaultdict(deque)

    def wait_s(self, bot, chat_id, *, message):
        """Seconds to wait for a request too many; 0 for one that may be done, which is counted."""
        limits = [((bot,), 1.0, _BOT_SECOND)]
        if message:
            group = chat_id < 0
            limits.append(((bot, chat_id), 60.0 if group else 1.0, _GROUP_MINUTE if group else _CHAT_SECOND + _BURST))
        now = time.monotonic()
        for scope, period_s, most in limits:
            accepted = self._accepted[scope]
            while accepted and accepted[0] <= now - period_s:
                accepted.popleft()
            if len(accepted) >= most:
                return max(1, round(accepted[0] + period_s - now))
        for scope, _, _ in limits:
            self._accepted[scope].append(now)
        return 0


def wrong_text(fields):
    """Why the text of a message is refused; None if it is not."""
    text = fields.get("text", "")
    if fields.get("parse_mode") == "HTML":
        if reason := _wrong_html(text):
            return f"can't parse entities: {reason}"
        text = _TAGS.sub("", text)
    if not text.strip():
        return "message text is empty"
    return "message is too long" if len(text) > 4096 else None


def _wrong_html(text):
    """What Telegram's documents say about HTML; the server itself lets a bare `&` pass."""
    opened = []
    for tag in _TAGS.finditer(text):
        name = tag[1].lower()
        if name not in _ALLOWED:
            return f'Unsupported start tag "{name}" at byte offset {tag.start()}'
        if not tag[0].startswith("</"):
            opened.append(name)
        elif not opened or opened.pop() != name:
            return f"Unmatched end tag at byte offset {tag.start()}"
    if opened:
        return f'Can\'t find end tag corresponding to start tag "{opened[-1]}"'
    if "<" in _TAGS.sub("", text):
        return "Unclosed start tag"
    return "Unescaped & character" if _ENTITY.search(text) else ""
