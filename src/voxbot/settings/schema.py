"""Every setting: its variable, type, range, unit and default.

A field's alias is the name of its environment variable. Groups follow the packages that read them. The file
`.env.example` is generated from this schema (`python -m voxbot.settings.example`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic.config import JsonDict

ProviderOrder = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(,[a-z0-9_]+)*$")]
"""`auto`, `local`, a provider's file name, or several of them in order of fallback, comma-separated."""


def variable(name: str, default: Any, description: str, *, unit: str = "", **constraints: Any) -> Any:
    """Declare a setting read from the environment variable `name`.

    A callable default gets the group's earlier fields, by field name.
    """
    if callable(default):
        constraints["default_factory"] = default
    else:
        constraints["default"] = default
    extra: JsonDict = {"unit": unit}
    return Field(alias=name, description=description, json_schema_extra=extra, **constraints)


def _in_data_dir(*parts: str) -> Callable[[dict[str, Any]], Path]:
    """Make the default of a path that lies in DATA_DIR unless it is set on its own."""
    return lambda earlier: earlier["data_dir"].joinpath(*parts)


class Group(BaseModel):
    """A frozen set of settings that belong together."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")


class PathSettings(Group):
    """Where files live. Relative paths start at the working directory."""

    data_dir: Path = variable("DATA_DIR", Path("data"), "Where everything that VoxBot writes goes by default")
    db_path: Path = variable("DB_PATH", _in_data_dir("db", "log_db.sqlite"), "SQLite file of the call log")
    persist_directory: Path = variable("PERSIST_DIRECTORY", _in_data_dir("chroma"), "Folder of the vector index")
    models_dir: Path = variable("MODELS_DIR", _in_data_dir("models"), "Folder of the local speech models")
    general_kb: Path = variable("KNOWLEDGE_BASE_PATH", Path("kb/general.md"), "General knowledge base, Markdown")
    tech_kb: Path = variable("KNOWLEDGE_BASE2_PATH", Path("kb/tech.md"), "Technical knowledge base, Markdown")
    prompts: Path = variable("PROMPTS_FILE_PATH", Path("config/prompts.json"), "Greeting and prompts, JSON")


class AriSettings(Group):
    """Asterisk."""

    url: AnyHttpUrl = variable(
        "ARI_HTTP_URL",
        AnyHttpUrl("http://127.0.0.1:8088"),
        "Asterisk's HTTP server; a trailing /ari is accepted",
    )
    user: str = variable("ARI_USER", "asterisk", "ARI user (ari.conf)", min_length=1)
    password: SecretStr = variable("ARI_PASSWORD", SecretStr("asterisk123"), "ARI password (ari.conf)")
    app_name: str = variable("ARI_APP_NAME", "asterisk-bot", "Stasis application of the dialplan", pattern=r"^[\w.-]+$")
    operator_context: str = variable(
        "OPERATOR_CONTEXT", "operators", "Dialplan context that a caller who wants an operator is sent to"
    )
    operator_extension: str = variable("OPERATOR_EXTENSION", "200", "Extension in OPERATOR_CONTEXT")


class MediaSettings(Group):
    """The audio connection to Asterisk."""

    transport: Literal["auto", "websocket"] = variable(
        "MEDIA_TRANSPORT", "auto", "How audio travels between Asterisk and the bot"
    )
    max_ahead_ms: int = variable(
        "MEDIA_MAX_AHEAD_MS",
        4000,
        "How much speech may wait in Asterisk's queue",
        unit="ms",
        ge=400,
        le=15000,
    )
    block_ms: int = variable(
        "MEDIA_BLOCK_MS", 400, "Speech is sent in blocks of this length", unit="ms", ge=200, le=1000
    )


class TurnSettings(Group):
    """When the caller's turn begins and ends. See turns/policy.py."""

    speech_probability: float = variable(
        "TURN_SPEECH_PROBABILITY",
        0.5,
        "VAD probability from which a window counts as speech",
        ge=0.05,
        le=0.95,
    )
    speech_start_ms: int = variable(
        "TURN_SPEECH_START_MS", 96, "Speech this long begins an utterance", unit="ms", ge=32, le=1000
    )
    speculate_silence_ms: int = variable(
        "TURN_SPECULATE_SILENCE_MS",
        250,
        "Silence after which recognition starts in advance",
        unit="ms",
        ge=64,
        le=2000,
    )
    end_silence_ms: int = variable(
        "TURN_END_SILENCE_MS", 700, "Silence that ends the caller's turn", unit="ms", ge=200, le=3000
    )
    max_utterance_ms: int = variable(
        "TURN_MAX_UTTERANCE_MS",
        28000,
        "A turn longer than this is taken as it stands",
        unit="ms",
        ge=5000,
        le=29000,
    )
    barge_in_ms: int = variable(
        "TURN_BARGE_IN_MS", 250, "Caller's speech over the bot that stops the bot", unit="ms", ge=64, le=2000
    )
    greeting_interruptible: bool = variable(
        "TURN_GREETING_INTERRUPTIBLE",
        default=True,
        description="Whether the caller may interrupt the greeting",
    )
    reprompt_after_ms: int = variable(
        "TURN_REPROMPT_AFTER_MS", 7000, "Caller's silence before «Вы на линии?»", unit="ms", ge=2000, le=60000
    )
    max_reprompts: int = variable(
        "TURN_MAX_REPROMPTS", 2, "After so many unanswered re-prompts the bot says goodbye", ge=0, le=10
    )


class CallSettings(Group):
    """Limits of one call."""

    idle_s: float = variable(
        "CHANNEL_TIMEOUT", 60.0, "A call without any speech for so long is ended", unit="s", gt=0, le=3600
    )
    max_s: float = variable("MAX_CALL_SECONDS", 1800.0, "A call is never longer", unit="s", gt=0, le=86400)
    answer_s: float = variable(
        "AI_PROCESSING_TIMEOUT",
        20.0,
        "The answer's first sound comes within this time, or an apology",
        unit="s",
        gt=0,
        le=120,
    )


class AsrSettings(Group):
    """Speech recognition."""

    provider: ProviderOrder = variable("ASR_PROVIDER", "auto", "Recogniser, or several in order of fallback")
    threads: int = variable("ASR_THREADS", 2, "CPU threads of one local recognition", ge=1, le=64)
    parallel: int = variable("ASR_PARALLEL", 1, "Local recognitions that run at once", ge=1, le=64)


class TtsSettings(Group):
    """Speech synthesis."""

    provider: ProviderOrder = variable(
        "TTS_PROVIDER",
        "auto",
        "Voice, or several in order of fallback; auto: Piper if there, festival if there, else espeak-ng",
    )
    piper_voice: Path | None = variable("TTS_PIPER_VOICE", None, "Piper voice file (.onnx with .onnx.json beside it)")


class KnowledgeSettings(Group):
    """Search in the knowledge bases."""

    embeddings_provider: ProviderOrder = variable(
        "EMBEDDINGS_PROVIDER", "auto", "Embedding model, or several in order of fallback"
    )
    top_k: int = variable("KB_TOP_K", 3, "Passages given to the answer", ge=1, le=20)
    fallback_threshold: float = variable(
        "KB_FALLBACK_THRESHOLD", 0.5, "Below this score the other knowledge base is asked too", ge=0, le=1
    )


class LlmSettings(Group):
    """The language model."""

    provider: Literal["auto", "openai", "extractive"] = variable(
        "LLM_PROVIDER",
        "auto",
        "auto: openai when OPENAI_API_KEY is set, else extractive (quotes the knowledge base)",
    )
    api_key: SecretStr | None = variable("OPENAI_API_KEY", None, "Key of the OpenAI-compatible service")
    base_url: AnyHttpUrl | None = variable(
        "OPENAI_BASE_URL", None, "Address of the OpenAI-compatible service; empty: OpenAI itself"
    )
    model_primary: str = variable("LLM_MODEL_PRIMARY", "gpt-4o-mini", "Model asked first", min_length=1)
    model_fallback: str = variable("LLM_MODEL_FALLBACK", "gpt-4o", "Model asked when the first one fails")
    temperature: float = variable("LLM_TEMPERATURE", 0.2, "Sampling temperature", ge=0, le=2)
    first_token_s: float = variable(
        "LLM_FIRST_TOKEN_TIMEOUT",
        3.0,
        "The fallback model is asked when no word came in this time",
        unit="s",
        gt=0,
        le=60,
    )


class ApiSettings(Group):
    """The HTTP API and panel."""

    host: str = variable("API_HOST", "127.0.0.1", "Address to listen on", min_length=1)
    port: int = variable("API_PORT", 9000, "Port to listen on", ge=0, le=65535)
    secret_key: SecretStr | None = variable(
        "API_SECRET_KEY", None, "Key for everything that changes or deletes (header X-API-Key)"
    )
    open_reads: bool = variable(
        "API_OPEN_READS", default=False, description="On a non-loopback address: reading needs no key"
    )

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of the same machine reach the API."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class LogSettings(Group):
    """The units' logs."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = variable("LOG_LEVEL", "INFO", "Least serious lines written")
    format: Literal["text", "json"] = variable("LOG_FORMAT", "text", "Lines for people or for machines")
    dir: Path | None = variable("LOG_DIR", None, "Folder for log files; empty: only DATA_DIR/logs/app.log")
    speech: bool = variable(
        "LOG_SPEECH", default=False, description="Whether callers' words and numbers may appear in logs"
    )


class Settings(Group):
    """All settings, immutable: a reload makes a new object."""

    paths: PathSettings
    ari: AriSettings
    media: MediaSettings
    turns: TurnSettings
    call: CallSettings
    asr: AsrSettings
    tts: TtsSettings
    knowledge: KnowledgeSettings
    llm: LlmSettings
    api: ApiSettings
    log: LogSettings
