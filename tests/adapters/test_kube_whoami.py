"""Who we are: the API server's word, or none."""

import pytest

from navixy_operator.adapters.kube.whoami import whoami
from support.kube_wire import Say, scripted, status


async def test_the_api_server_tells() -> None:
    """One review of ourselves."""
    said = Say(201, {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "anna", "groups": []}}})
    async with scripted(said) as wire:
        assert await whoami(wire.client) == "anna"
    (asked,) = wire.asked
    assert (asked.method, asked.path) == ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews")
    assert asked.body == {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


@pytest.mark.parametrize(
    "answer",
    [
        status(404, "NotFound"),
        status(403, "Forbidden"),
        Say(201, {"status": {}}),
        Say(201, {"status": {"userInfo": {"username": ""}}}),
        Say(201, []),
    ],
    ids=["too old", "not permitted", "nothing", "nobody", "a list"],
)
async def test_or_it_does_not(answer: Say) -> None:
    """Never a failure: a pin may go without a name."""
    async with scripted(answer) as wire:
        assert await whoami(wire.client) is None
    assert len(wire.asked) == 1
