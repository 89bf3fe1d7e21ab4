"""Settings as clients get and send them. Existing clients rely on the names of MainSettings and its two changes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from voxbot.admin.views import Payload, View

Value: TypeAlias = bool | int | float | str | None
Kind: TypeAlias = Literal["boolean", "integer", "number", "choice", "text", "path", "url", "secret"]
Written: TypeAlias = Annotated[str, StringConstraints(max_length=10_000)]


class MainSettings(View, title="Настройки поиска и языковой модели"):
    """The settings of the older API."""

    kb_top_k: int = Field(examples=[3])
    kb_fallback_threshold: float = Field(examples=[0.5])
    llm_model_primary: str = Field(examples=["gpt-4o-mini"])
    llm_model_fallback: str = Field(examples=["gpt-4o"])
    llm_temperature: float = Field(examples=[0.2])


class SearchSettingsChange(Payload, extra="ignore", title="Новые настройки поиска; пропущенные остаются прежними"):
    """Settings of the search; those left out stay."""

    kb_top_k: int | None = Field(default=None, ge=1, le=20, examples=[3])
    kb_fallback_threshold: float | None = Field(default=None, ge=0, le=1, examples=[0.5])


class ModelSettingsChange(Payload, extra="ignore", title="Новые настройки модели; пропущенные остаются прежними"):
    """Settings of the language model; those left out stay."""

    llm_model_primary: str | None = Field(default=None, min_length=1, max_length=200, examples=["gpt-4o-mini"])
    llm_model_fallback: str | None = Field(default=None, max_length=200, examples=["gpt-4o"])
    llm_temperature: float | None = Field(default=None, ge=0, le=2, examples=[0.2])


class VariableView(View, title="Одна настройка: что она значит и что принимает"):
    """One variable of the schema."""

    name: str = Field(description="Имя переменной в .env", examples=["TURN_BARGE_IN_MS"])
    label: str = Field(examples=["Сколько звонящий должен говорить поверх бота, чтобы бот замолчал"])
    kind: Kind = Field(examples=["integer"])
    unit: str = Field(description="Единица или пусто", examples=["мс"])
    default: Value = Field(examples=[200])
    minimum: float | None = Field(examples=[64])
    maximum: float | None = Field(examples=[2000])
    minimum_excluded: bool = Field(description="Само значение minimum не подходит", examples=[False])
    maximum_excluded: bool = Field(description="Само значение maximum не подходит", examples=[False])
    choices: list[str] = Field(description="Допустимые значения, если их перечень закрыт", examples=[[]])
    accepted: str = Field(description="Что принимается, словами", examples=["целое число от 64 до 2000 мс"])
    optional: bool = Field(description="Может быть не задана", examples=[False])
    needs_restart: bool = Field(description="Вступает в силу после перезапуска", examples=[False])


class GroupView(View, title="Группа настроек"):
    """Settings that belong together."""

    name: str = Field(examples=["turns"])
    title: str = Field(examples=["Чья очередь говорить: паузы, перебивания, ожидание"])
    variables: list[VariableView]


class SettingsSchema(View, title="Описание всех настроек"):
    """Every group in order."""

    groups: list[GroupView]


class ValueView(View, title="Значение одной настройки"):
    """What is in force."""

    value: Value = Field(description="У секретов всегда null", examples=[200])
    origin: Literal["environment", "file", "default"] = Field(
        description="environment: окружение процесса важнее .env, отсюда его не изменить", examples=["default"]
    )
    is_set: bool = Field(description="Задано оператором; у секретов это всё, что видно", examples=[False])
    pending: bool = Field(description="Сохранено, но ждёт перезапуска", examples=[False])
    tag: str = Field(description="Метка значения: другая, когда оно другое, и у секретов тоже", examples=["3f9a01c2"])


class SettingsValues(View, title="Значения всех настроек по именам переменных"):
    """Values by the names of variables."""

    file: str = Field(description="Файл, в который они сохраняются", examples=[".env"])
    values: dict[str, ValueView] = Field(
        examples=[
            {
                "TURN_BARGE_IN_MS": {
                    "value": 200,
                    "origin": "default",
                    "is_set": False,
                    "pending": False,
                    "tag": "3f9a01c2",
                }
            }
        ]
    )


class SettingsChange(Payload, title="Новые значения по именам переменных"):
    """Values to save."""

    values: dict[str, bool | int | float | Written | None] = Field(
        default={},
        max_length=500,
        description="null: вернуть значение по умолчанию; секретам null ничего не делает, так они и читаются",
        examples=[{"TURN_BARGE_IN_MS": 250}],
    )
    reset: list[str] = Field(
        default=[], max_length=500, description="Вернуть к значению по умолчанию, секреты убрать", examples=[[]]
    )


class SettingsSaved(SettingsValues, title="Настройки сохранены"):
    """What was saved."""

    changed: list[str] = Field(examples=[["TURN_BARGE_IN_MS"]])
    needs_restart: list[str] = Field(description="Что из этого ждёт перезапуска", examples=[[]])
