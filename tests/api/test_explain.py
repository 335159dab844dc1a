"""What a person is told about a spec that breaks a rule."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from api.samples import MANUAL, MAXIMAL_SPEC, MINIMAL, changed
from navixy_operator.api.customer import NavixyCustomerSpec
from navixy_operator.api.explain import explain_validation
from navixy_operator.api.sync import NavixySyncSpec, explain_name
from navixy_operator.core.vocabulary import Kind
from navixy_operator.crds import DEFINITIONS

CANARY = "Sup3r_secret/0123456789abcdef0123456789abcdef"
SYNC = MINIMAL[Kind.SYNC]


def explained(spec: dict[str, Any]) -> str:
    """The words about a NavixySync's spec that must not pass."""
    with pytest.raises(ValidationError) as raised:
        NavixySyncSpec.model_validate(spec)
    return explain_validation(raised.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("schedule", "61 * * * *", 'spec.schedule: "61 * * * *" is not a cron expression: bad minute'),
        (
            "schedule",
            "@daily",
            'spec.schedule: "@daily" is not a cron expression: write minute, hour, day of month, month and day of week',
        ),
        (
            "timeZone",
            "Mars/Olympus",
            'spec.timeZone: "Mars/Olympus" is not a time zone: use a name of the IANA database, such as UTC',
        ),
        ("hashPattern", "[a", 'spec.hashPattern: "[a" is not a regular expression: unterminated character set'),
        ("policy", "all", "spec.policy: \"all\" must be one of 'Observe', 'UpsertOnly' or 'Full'"),
        ("suspend", "yes", "spec.suspend: must be true or false, without quotes"),
        ("drift.intervalSeconds", 1, "spec.drift.intervalSeconds: 1 must be at least 5"),
        ("history.cycles", 5000, "spec.history.cycles: 5000 must be at most 1000"),
        ("database", ..., "spec.database: is required"),
        ("database.query", "", "spec.database.query: must not be empty"),
        ("forwarding.url", "http://u:pw@h", "spec.forwarding.url: must be http(s)://host[:port][/path], without user"),
        ("forwarding.url", "http://h:0", "spec.forwarding.url: must have a host and, if any, a port from 1 to 65535"),
        (
            "forwarding.tokenSecretRef",
            "abc",
            "spec.forwarding.tokenSecretRef: must be an object with fields of its own",
        ),
    ],
)
def test_words(path: str, value: object, words: str) -> None:
    """Field path, what is wrong, how to mend it: one line."""
    line = explained(changed(SYNC, path, value))
    assert line.startswith(words)
    assert "\n" not in line


def test_a_rule_over_several_fields_names_the_spec() -> None:
    """A rule over several fields is told of the whole spec, with the words of the CEL rule."""
    with pytest.raises(ValidationError) as raised:
        NavixyCustomerSpec.model_validate(changed(MANUAL, "hashSecretRef", ...))
    assert (
        explain_validation(raised.value)
        == "spec: hashSecretRef is required with source Manual and not allowed otherwise"
    )


def test_several_problems_are_told_at_once() -> None:
    """At most five problems are told, then how many more there are."""
    spec = {"forwarding": {"concurrency": 0, "ratePerSecond": 0, "timeoutSeconds": 0}, "schedule": "", "policy": "x"}
    line = explained(spec)
    assert line.count("; ") == 5
    assert line.endswith("and 3 more")


def test_another_place_can_be_named() -> None:
    """The path starts where the caller says."""
    with pytest.raises(ValidationError) as raised:
        NavixyCustomerSpec.model_validate({})
    assert explain_validation(raised.value, at="item 3").startswith("item 3.customerRef: is required; item 3.sync:")


def leaves(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of every field of an object, of the inner ones too."""
    for name, value in data.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")


@pytest.mark.parametrize("wrap", [str, lambda text: [text], lambda text: {"key": text}], ids=["text", "list", "object"])
@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind in Kind for path in leaves(MAXIMAL_SPEC[kind])], ids=str
)
def test_no_credential_is_shown(kind: Kind, path: str, wrap: Any) -> None:
    """A credential put into any field by mistake is never repeated."""
    model = next(definition.spec for definition in DEFINITIONS if definition.kind is kind)
    line = ""
    try:
        model.model_validate(changed(MAXIMAL_SPEC[kind], path, wrap(CANARY)))
    except ValidationError as error:
        line = explain_validation(error)
    assert CANARY not in line


@pytest.mark.parametrize(("name", "fits"), [("a" * 52, True), ("a" * 53, False)])
def test_name_of_a_sync(name: str, fits: bool) -> None:  # noqa: FBT001 - a column of the table
    """A NavixySync's name leaves room for the suffix of its SyncCycles, as its CEL rule says."""
    assert (explain_name(name) is None) is fits
