"""Identifiers. All are opaque strings; the types keep a channel from being passed for a bridge."""

from __future__ import annotations

from typing import NewType

CallId = NewType("CallId", str)
"""One caller's call: the id of the caller's Asterisk channel, or a made-up one in a simulated call."""

ChannelId = NewType("ChannelId", str)
BridgeId = NewType("BridgeId", str)
ChunkId = NewType("ChunkId", str)
"""A piece of a knowledge base: a hash of its content, so that it survives a rebuild."""

BROWSER_PREFIX = "browser-"
CHAT_PREFIX = "chat-"
"""What the ids of calls begin with that are not the telephone's: calls from the panel, and conversations by text."""
