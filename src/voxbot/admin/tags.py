"""Entity tags (RFC 9110, section 8.8.3): who says what they had read cannot undo a colleague's change unseen."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header

GivenTag = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=1000,
        description="ETag того, что прочитано: 409, если это уже изменили; пусто: сохранить в любом случае",
    ),
]


def tag(*content: str) -> str:
    """Name a state."""
    found = hashlib.sha256("\0".join(content).encode("utf-8", "surrogatepass"))
    return f'"{found.hexdigest()[:16]}"'


def agrees(given: str, now: str) -> bool:
    """Whether an If-Match (empty: none) is of the state `now`.

    A proxy that packs an answer makes its tag weak (nginx writes W/ before it); the state is the same.
    """
    tags = [one.strip().removeprefix("W/") for one in given.split(",") if one.strip()]
    return not tags or "*" in tags or now in tags
