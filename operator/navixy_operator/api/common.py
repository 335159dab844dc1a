"""What the kinds share: the base model, the types of single fields, conditions, CEL rules."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import Condition as ConditionType

MAX_REF: Final = 1024
MAX_MESSAGE: Final = 1024
MAX_SYNC_NAME: Final = 52  # what a label takes (63) less the suffix of a scheduled SyncCycle, as with CronJobs
MAX_LISTED: Final = 100  # entries of one list in a status (design section 2)

_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


M = TypeVar("M", bound="Model")


class Model(BaseModel):
    """Base of all parts of a resource: frozen, camelCase outside, unknown fields dropped."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        """Null is the same as left out, as the API server has it for fields with a default."""
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data

    def to_json(self) -> dict[str, Any]:
        """The part as plain JSON for the API server; what is None is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Matches:
    """A text's form: a schema pattern (the common ground of RE2 and Python), and words for who breaks it."""

    pattern: str
    problem: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}

    def check(self, value: str) -> str:
        """The value as it is; raises ValueError with the problem when it has another form."""
        if re.fullmatch(self.pattern, value, re.ASCII) is None:
            raise ValueError(self.problem)
        return value


def _read_time(value: object) -> object:
    if not isinstance(value, str):
        return value if isinstance(value, datetime) else object()  # no numbers: the API server takes none either
    if _RFC3339.fullmatch(value) is None:
        message = "is not a time of RFC 3339: write it like 2006-01-02T15:04:05Z"
        raise ValueError(message)
    return datetime.fromisoformat(value.upper())


def _cut(limit: int) -> Callable[[object], object]:
    def cut(value: object) -> object:
        return value[: limit - 1] + "…" if isinstance(value, str) and len(value) > limit else value

    return cut


Time = Annotated[AwareDatetime, BeforeValidator(_read_time), PlainSerializer(timestamp, when_used="json")]
"""A moment with its zone; written in UTC, to the second, as metav1.Time is."""

Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0, json_schema_extra={"format": "int64"})]
Integer = Annotated[int, Field(strict=True)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Seconds = Annotated[float, Field(strict=True, ge=0)]

CustomerRef = Annotated[str, Field(min_length=1, max_length=MAX_REF)]
Message = Annotated[str, BeforeValidator(_cut(MAX_MESSAGE)), Field(max_length=MAX_MESSAGE)]
"""Text for people in a status: a longer one is cut, so that no message can make a status write fail."""
ReportedRef = Annotated[str, BeforeValidator(_cut(MAX_REF)), Field(max_length=MAX_REF)]
"""A reference in a report, cut when the database gave a longer one than a resource may have."""
Identifier = Annotated[str, BeforeValidator(_cut(MAX_REF)), Field(max_length=MAX_REF)]
"""A name or id given by another system, for reports."""

_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Matches(_SUBDOMAIN, "is not the name of an object: use lower-case letters, digits, '-' and '.'"),
]
SyncName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_SYNC_NAME),
    Matches(_SUBDOMAIN, "is not the name of a NavixySync: use lower-case letters, digits, '-' and '.'"),
]
SecretKey = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Matches(r"^[-._a-zA-Z0-9]+$", "is not a key of a Secret: use letters, digits, '-', '_' and '.'"),
]
ReasonText = Annotated[
    str,
    Field(max_length=1024),
    Matches(r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", "is not a reason: use one CamelCase word"),
]
ConditionName = Annotated[
    str, Field(max_length=316), Matches(r"^[A-Za-z]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", "is not the type of a condition")
]


class SecretKeyRef(Model):
    """One key of a Secret in the same namespace."""

    name: ObjectName = Field(description="Name of the Secret, in the namespace of this resource.")
    key: SecretKey = Field(description="Key inside the Secret.")


class Condition(Model):
    """One aspect of the state, as metav1.Condition."""

    type: ConditionName = Field(description="What the condition is about, in CamelCase.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds: True, False or Unknown.")
    reason: ReasonText = Field(description="Why, in one CamelCase word for programs.")
    message: Annotated[str, BeforeValidator(_cut(MAX_MESSAGE)), Field(max_length=32768)] = Field(
        description="Why, in a sentence for people."
    )
    last_transition_time: Time = Field(description="When the status last changed.")
    observed_generation: Count | None = Field(
        default=None, description="metadata.generation of the resource that this condition speaks of."
    )


def conditions_field(*types: ConditionType, note: str = "") -> Any:
    """The field ``conditions`` of a status, with the condition types that the kind may carry in its description.

    ``note``: what else to say about them; a sentence.
    """
    return Field(
        (),
        max_length=16,
        description=f"{note}{' ' if note else ''}Aspects of the state, one each: {', '.join(types)}.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


def section(model: type[M], description: str) -> Any:
    """A field for a part that may be left out: it then has the defaults of its own fields."""
    return Field(default_factory=lambda: model.model_validate({}), description=description)


def validations(*rules: tuple[str, str]) -> dict[str, Any]:
    """CEL rules with their messages, for a model's or a field's ``json_schema_extra``."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


def immutable(name: str) -> Any:
    """``json_schema_extra`` of a field that never changes (a CEL transition rule)."""
    return validations(("self == oldSelf", f"{name} is immutable: delete the resource and create another one"))
