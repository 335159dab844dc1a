"""Words for a broken rule: where, what, how to mend it; never a value that may be a credential."""

import json
import re
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MAX_ERRORS: Final = 5
MAX_SHOWN: Final = 40

# Fields whose text may be shown, unless it looks like a credential; of the others none is shown.
_SHOWN: Final = frozenset(
    {"schedule", "timeZone", "policy", "source", "state", "failed", "hashPattern", "sync", "scheduledTime"}
)
_LIKE_A_SECRET: Final = re.compile(r"[0-9A-Fa-f]{16}|://")
_WORDS: Final = {
    "missing": "is required",
    "string_type": "must be text: put it in quotes",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "model_type": "must be an object with fields of its own",
    "model_attributes_type": "must be an object with fields of its own",
    "dict_type": "must be an object",
    "string_too_short": "must not be empty",
}


def explain_validation(error: ValidationError, *, at: str = "spec") -> str:
    """One line for people, such as ``spec.schedule: "61 * * * *" is not a cron expression: bad minute``.

    ``at`` is the path of the validated part. At most five problems are told; the line says how many more there are.
    """
    details = error.errors(include_url=False, include_context=True)
    lines = [_explain(detail, at) for detail in details[:MAX_ERRORS]]
    more = len(details) - MAX_ERRORS
    return "; ".join([*lines, f"and {more} more"] if more > 0 else lines)


def _explain(detail: ErrorDetails, at: str) -> str:
    path = at + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
    shown = _show(detail)
    return f"{path}: {shown} {_problem(detail)}" if shown else f"{path}: {_problem(detail)}"


def _show(detail: ErrorDetails) -> str:
    value, fields = detail["input"], [part for part in detail["loc"] if isinstance(part, str)]
    if detail["type"] == "missing" or not fields or any(field.endswith("SecretRef") for field in fields):
        return ""
    if isinstance(value, str) and (
        fields[-1] not in _SHOWN or len(value) > MAX_SHOWN or _LIKE_A_SECRET.search(value) is not None
    ):
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | int | float) else ""


def _problem(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "enum" | "literal_error":
            return f"must be one of {context['expected']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "string_too_long" | "too_long":
            unit = "characters" if detail["type"] == "string_too_long" else "entries"
            return f"must have at most {context['max_length']} {unit}"
        case other:
            # Pydantic's own words speak of types and limits, never of the value.
            return _WORDS.get(other) or detail["msg"].replace("Input should", "must").replace("String should", "must")
