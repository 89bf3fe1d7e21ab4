"""VoxBot: a self-hosted telephone assistant for Asterisk."""

from importlib.metadata import version

__version__ = version("voxbot")
