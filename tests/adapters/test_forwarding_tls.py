"""F1.1 over TLS: a certificate is verified, and one that is not trusted is said so."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.errors import ForwardingUnavailable, InvalidSpec
from support.f11 import TOKEN

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority nobody knows."""
    return trustme.CA()


@pytest.fixture
async def url(authority: trustme.CA) -> AsyncIterator[str]:
    """An F1.1 without connections, behind TLS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)

    async def empty(_: web.BaseRequest) -> web.Response:
        return web.json_response({"items": []})

    runner = web.ServerRunner(web.Server(empty))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    yield f"https://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


async def token(_: bool) -> str:  # noqa: FBT001 - the provider's signature
    """The token."""
    return TOKEN


async def test_an_unknown_authority_is_not_trusted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is read, and the message says what to mend."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    client = HttpForwarding(ForwardingSettings(url=url, attempts=1), token)
    with pytest.raises(ForwardingUnavailable, match=r"certificate that is not trusted \(SSL_CERT_FILE"):
        await client.connections()
    await client.close()


async def test_the_environment_names_the_authority(
    url: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE, as everywhere."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    client = HttpForwarding(ForwardingSettings(url=url, attempts=1), token)
    assert await client.connections() == []
    await client.close()


def test_an_authority_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at construction."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(InvalidSpec, match="SSL_CERT_FILE"):
        HttpForwarding(ForwardingSettings(url="https://f11.test"), token)
