"""From a model's JSON Schema to a structural schema, as apiextensions.k8s.io/v1 wants it: pure functions."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

_REF: Final = "#/$defs/"
# In the order in which a reader wants them.
_KEPT: Final = (
    "description", "type", "format", "enum", "pattern", "default", "nullable", "minLength", "maxLength", "minimum",
    "exclusiveMinimum", "maximum", "exclusiveMaximum", "maxItems", "maxProperties", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "required", "properties", "additionalProperties", "items",
    "x-kubernetes-validations",
)  # fmt: skip
_DROPPED: Final = frozenset({"title", "$defs", "$ref", "anyOf", "const"})


def structural(model: type[BaseModel], *, defaults: bool) -> Schema:
    """The structural schema of a model: no references, no titles, nothing optional as ``null``.

    ``defaults``: whether the API server shall fill in defaults (in a spec, not in a status). Raises ValueError for what
    a structural schema cannot say.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(schema, schema.get("$defs", {}), defaults=defaults)


def _convert(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, defaults: bool) -> Schema:
    node = _numbers(_optional(_inline(schema, definitions), definitions))
    if unknown := node.keys() - set(_KEPT) - _DROPPED:
        message = f"a structural schema has no {', '.join(sorted(unknown))}"
        raise ValueError(message)
    if not defaults or node.get("default") is None:
        node.pop("default", None)
    if "properties" in node:
        required = node.get("required", ())
        node["properties"] = {
            name: _property(part, definitions, required=name in required, defaults=defaults)
            for name, part in node["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            node[key] = _convert(node[key], definitions, defaults=defaults)
    return {key: node[key] for key in _KEPT if key in node}


def _property(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, required: bool, defaults: bool) -> Schema:
    node = _convert(schema, definitions, defaults=defaults)
    if defaults and not required and "properties" in node and "anyOf" not in schema:
        node["default"] = {}  # an object that is left out gets the defaults of its fields
    return {key: node[key] for key in _KEPT if key in node}


def _inline(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """The schema in the place of its reference; what stands beside the reference wins."""
    if "$ref" not in schema:
        return dict(schema)
    return {**_inline(definitions[schema["$ref"].removeprefix(_REF)], definitions), **schema, "$ref": None}


def _optional(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    """``X | None`` as X: what is optional may be left out, it is never null."""
    if "anyOf" not in schema:
        return schema
    options = [option for option in schema["anyOf"] if option.get("type") != "null"]
    if len(options) != 1:
        message = "a structural schema has no unions"
        raise ValueError(message)
    return {**_inline(options[0], definitions), **schema}


def _numbers(schema: Schema) -> Schema:
    """Exclusive limits as OpenAPI 3.0 has them: a limit with a flag."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if exclusive in schema:
            schema[limit], schema[exclusive] = schema[exclusive], True
    if "const" in schema:
        schema["enum"] = [schema["const"]]
    return schema
