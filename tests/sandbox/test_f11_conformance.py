"""The simulator against the contract, by schemathesis over real HTTP: bounded, and the same cases at every run."""

import asyncio
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from aiohttp import ClientSession
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from yarl import URL

from navixy_operator.sandbox import f11
from navixy_operator.sandbox.f11.launch import Simulator
from support.f11 import TOKEN

pytestmark = pytest.mark.server

CONTRACT = Path(f11.__file__).with_name("openapi.yaml")
ORIGINAL = Path(__file__).parents[3] / "shared" / "f11.openapi.yaml"
BOUNDED = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Prepared = tuple[Simulator, "itertools.cycle[str]"]
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def load(mode: str) -> Any:
    """The contract, as schemathesis has it. ``mode``: whether what is sent fits it.

    Two things are added that the contract means but does not say, and schemathesis needs: the path's ``id`` is a
    parameter, and nothing can be established without a body.
    """
    contract = yaml.safe_load(CONTRACT.read_text("utf-8"))
    contract["paths"]["/v1/connections/{id}"]["parameters"] = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    ]
    contract["paths"]["/v1/connections"]["post"]["requestBody"]["required"] = True
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"mode": mode, "deterministic": True},
            "checks": {
                # the contract lets F1.1 refuse a hash (422) and an expired token (400) that fit the schemas
                "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "400", "404", "409", "422"]},
                # by the contract a closed connection stays listed for a while
                "use_after_free": {"enabled": False},
                # of requests that break it the contract says nothing: see the table below
                "status_code_conformance": {"enabled": mode == "positive"},
                "negative_data_rejection": {"enabled": False},
            },
        }
    )
    return schemathesis.openapi.from_dict(contract, config=config)


@pytest.fixture
def prepared(f11_process: Simulator) -> Iterator[Prepared]:
    """A simulator with connections of every kind that takes any hash, and ids: one unknown, then the known ones."""

    async def prepare() -> list[str]:
        f11_process.write_token(TOKEN)
        await f11_process.reload_token()
        await f11_process.reset()
        await f11_process.settings(hash_pattern="(?s).*", failures={"0": {}}, short_page_rate=0.3)
        states = ("pending", "connected", "disconnected", "failed")
        return await f11_process.seed(
            *(
                {"customer_ref": ref, "state": state, "origin": origin, "error": {"code": "x", "permanent": True}}
                for state in states
                for origin in ("automatic", "manual")
                for ref in (None, "", f"A-{state}")
            )
        )

    ids = asyncio.run(prepare())
    yield f11_process, itertools.cycle(["nobody", *ids])
    counts = asyncio.run(f11_process.requests())
    assert not [one for by in counts.values() for one in by if one.startswith("5")]


FITTING, UNFIT = load("positive"), load("negative")


@FITTING.parametrize()  # type: ignore[untyped-decorator]  # schemathesis types it as Any
@BOUNDED
def test_what_fits_is_answered_as_promised(case: Any, prepared: Prepared) -> None:
    """Status codes, media types and schemas of every answer are the contract's."""
    simulator, ids = prepared
    if "id" in case.path_parameters:
        case.path_parameters["id"] = next(ids)
    case.call_and_validate(base_url=simulator.url, headers=AUTHORIZED)


@UNFIT.parametrize()  # type: ignore[untyped-decorator]  # as above
@BOUNDED
def test_what_does_not_fit_is_a_problem(case: Any, prepared: Prepared) -> None:
    """Refused, as RFC 9457 wants it, and never with a server error."""
    simulator, _ = prepared
    response = case.call_and_validate(base_url=simulator.url, headers=AUTHORIZED)
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"]
        assert response.json()["status"] == response.status_code


BODY = {"provider": "navixy", "customer_ref": "A-1", "hash": "0" * 32}
KEY = {"Idempotency-Key": "k"}


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "kind"),
    [
        ("GET", "/v1/connections?page_size=0", {}, 400, "invalid-request"),
        ("GET", "/v1/connections?page_size=1001", {}, 400, "invalid-request"),
        ("GET", "/v1/connections?page_size=ten", {}, 400, "invalid-request"),
        ("GET", "/v1/connections?state=closing", {}, 400, "invalid-request"),
        ("GET", "/v1/connections?provider=other", {}, 400, "invalid-request"),
        ("GET", "/v1/connections?page_token=x", {}, 400, "page-token-expired"),
        ("GET", "/v1/connections?page_token=cC8rW10=", {}, 400, "page-token-expired"),
        ("GET", "/v1/connections", {"headers": {"Authorization": "Bearer wrong"}}, 401, "unauthorized"),
        ("GET", "/v1/connections", {"headers": {"Authorization": "Basic eDp5"}}, 401, "unauthorized"),
        ("POST", "/v1/connections", {"json": BODY}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"json": BODY, "headers": {"Idempotency-Key": "k" * 65}}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"data": b"{", "type": "application/json"}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"data": b"[]", "type": "application/json"}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"data": b'"\\ud800"', "type": "application/json"}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"data": b"a=1", "type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "/v1/connections", {"data": io.BytesIO(b" " * 2**21), "type": "application/json"}, 413, "too-large"),
        ("POST", "/v1/connections", {"json": BODY | {"provider": "other"}, "headers": KEY}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"json": BODY | {"customer_ref": None}, "headers": KEY}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"json": BODY | {"hash": 5}, "headers": KEY}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"json": BODY | {"origin": "x"}, "headers": KEY}, 400, "invalid-request"),
        ("POST", "/v1/connections", {"json": BODY | {"hash": "A" * 32}, "headers": KEY}, 422, "hash-malformed"),
        ("PUT", "/v1/connections", {}, 405, "method-not-allowed"),
        ("POST", "/v1/connections/x", {}, 405, "method-not-allowed"),
        ("GET", "/v1/connections/x", {}, 404, "not-found"),
        ("GET", "/v1/connections/x/y", {}, 404, "not-found"),
        ("GET", "/v1/connections/", {}, 404, "not-found"),
        ("GET", "/", {}, 404, "not-found"),
    ],
)
async def test_what_is_refused(
    f11: Simulator, method: str, path: str, more: dict[str, Any], status: int, kind: str
) -> None:
    """Each kind of wrong request has its status and problem type."""
    headers = AUTHORIZED | more.get("headers", {}) | ({"Content-Type": more["type"]} if "type" in more else {})
    if "data" in more:
        headers |= KEY
    content = {name: more[name] for name in ("json", "data") if name in more}
    url = URL(f11.url + path, encoded=True)
    async with ClientSession() as session, session.request(method, url, headers=headers, **content) as answer:
        problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["type"], problem["status"]) == (status, kind, status)
    assert ("Allow" in answer.headers) == (status == 405)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_the_contract_is_the_shared_one() -> None:
    """The copy in the package is verbatim; outside this workspace there is nothing to compare it with."""
    if ORIGINAL.exists():
        assert CONTRACT.read_bytes() == ORIGINAL.read_bytes()
    assert Counter(CONTRACT.read_text("utf-8").splitlines())["openapi: 3.1.0"] == 1
