"""Credentials and sessions: which are taken, how a token is renewed, what a mistake in a kubeconfig says."""

import asyncio
import base64
import ssl
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
import yaml
from aiohttp import web

from navixy_operator.adapters.kube import credentials
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.session import KubeSession, connect
from navixy_operator.adapters.kube.tokens import Authorizer, bearer_file
from navixy_operator.errors import ConfigurationError, KubernetesForbidden
from support.kube_wire import serving

TOKEN = "tok-very-secret-indeed"
NOWHERE = Path("/nonexistent/serviceaccount")


class Guarded:
    """A server that answers 401 unless the header is the accepted one."""

    def __init__(self, accepted: str) -> None:
        self.accepted = accepted
        self.seen: list[str | None] = []

    async def __call__(self, request: web.Request) -> web.Response:
        """Answer one request."""
        await request.read()
        self.seen.append(request.headers.get("Authorization"))
        if self.seen[-1] != self.accepted:
            return web.json_response({"reason": "Unauthorized"}, status=401)
        return web.json_response({"gitVersion": "v1"})


def kubeconfig(folder: Path, server: str, user: dict[str, Any], **cluster: str) -> Path:
    """Write a kubeconfig with one context."""
    path = folder / "config"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
                "current-context": "x",
            }
        )
    )
    return path


async def version(session: KubeSession) -> str:
    """Ask the server for its version through the session."""
    return await KubeClient(session.http, session.server).version()


async def test_token_file_of_a_kubeconfig_is_read_again_after_401(tmp_path: Path) -> None:
    """A rotated token costs one refused request, with a body sent twice, and no error."""
    (tmp_path / "token").write_text("old\n")
    guarded = Guarded("Bearer old")
    async with serving(guarded) as url:
        config = kubeconfig(tmp_path, url, {"tokenFile": "token"})
        async with await connect(str(config), service_account=NOWHERE) as session:
            assert session.namespace == "team"
            assert await version(session) == "v1"
            guarded.accepted = "Bearer new"
            (tmp_path / "token").write_text("new\n")
            client = KubeClient(session.http, session.server)
            assert await client.request("POST", "/x", body={"a": 1}) == {"gitVersion": "v1"}
            assert guarded.seen == ["Bearer old", "Bearer old", "Bearer new"]


async def test_many_refused_at_once_read_the_source_once() -> None:
    """Sixteen requests in flight when the token dies: one reading, all go through."""
    readings = 0

    async def read() -> str:
        nonlocal readings
        readings += 1
        await asyncio.sleep(0)
        return "Bearer new"

    async with serving(Guarded("Bearer new")) as url, _authorized(Authorizer(url, "Bearer old", read=read)) as session:
        client = KubeClient(session, url)
        assert await asyncio.gather(*(client.version() for _ in range(16))) == ["v1"] * 16
    assert readings == 1


async def test_a_token_that_stays_wrong_is_forbidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No endless renewing; neither the error nor the log shows the token."""
    config = kubeconfig(tmp_path, "", {"token": TOKEN})
    guarded = Guarded("Bearer other")
    async with serving(guarded) as url:
        kubeconfig(tmp_path, url, {"token": TOKEN})
        async with await connect(str(config), service_account=NOWHERE) as session:
            with pytest.raises(KubernetesForbidden, match="401") as caught:
                await version(session)
            assert TOKEN not in f"{caught.value!r}{session!r}{session._credentials!r}"
    assert len(guarded.seen) == 1
    assert TOKEN not in "".join(capsys.readouterr())


async def test_a_token_renewed_in_the_kubeconfig_is_found(tmp_path: Path) -> None:
    """Somebody logged in again while the operator runs."""
    guarded = Guarded("Bearer two")
    async with serving(guarded) as url:
        config = kubeconfig(tmp_path, url, {"token": "one"})
        async with await connect(str(config), service_account=NOWHERE) as session:
            kubeconfig(tmp_path, url, {"token": "two"})
            assert await version(session) == "v1"


async def test_a_credential_plugin_runs_again_after_401(tmp_path: Path) -> None:
    """`exec` users of a kubeconfig, as the cloud providers have them."""
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    (tmp_path / "answer").write_text(answer % "one")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable}
    plugin |= {"args": ["-c", f"print(open({str(tmp_path / 'answer')!r}).read())"]}  # type: ignore[dict-item] # YAML
    guarded = Guarded("Bearer two")
    async with serving(guarded) as url:
        config = kubeconfig(tmp_path, url, {"exec": plugin})
        async with await connect(str(config), service_account=NOWHERE) as session:
            (tmp_path / "answer").write_text(answer % "two")
            assert await version(session) == "v1"
            assert guarded.seen == ["Bearer one", "Bearer two"]


async def test_a_token_file_is_read_again_when_old(tmp_path: Path) -> None:
    """Once a minute, before the old token stops working; an unreadable file keeps what is known."""
    file = tmp_path / "token"
    file.write_text("one")
    now = 0.0
    guarded = Guarded("Bearer one")
    async with serving(guarded) as url:
        authorizer = Authorizer(url, "Bearer one", read=bearer_file(file), max_age=60, clock=lambda: now)
        async with _authorized(authorizer) as session:
            client = KubeClient(session, url)
            file.write_text("two")
            await client.version()
            now, guarded.accepted = 61.0, "Bearer two"
            await client.version()
            file.unlink()
            now = 122.0
            await client.version()
    assert guarded.seen == ["Bearer one", "Bearer two", "Bearer two"]


async def test_the_token_goes_to_no_other_server() -> None:
    """A redirect must not carry it away (kopf's session follows redirects)."""
    elsewhere = Guarded("")
    async with serving(elsewhere) as other:

        async def redirect(_request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(other)

        async with serving(redirect) as url, _authorized(Authorizer(url, f"Bearer {TOKEN}")) as session:
            (await session.get(url)).release()
    assert elsewhere.seen == [None]


async def test_in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod's files win over a kubeconfig: verified TLS, the token stripped, the namespace known."""
    authority = trustme.CA()
    (tmp_path / "token").write_text("pod\n")
    (tmp_path / "ca.crt").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "namespace").write_text("forwarding")
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/kubeconfig")
    async with serving(Guarded("Bearer pod"), ssl=_server_tls(authority)) as url:
        environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": url.rsplit(":", 1)[1]}
        async with await connect(environ=environ, service_account=tmp_path) as session:
            assert await version(session) == "v1"
            assert session.namespace == "forwarding"


async def test_a_wrong_authority_is_refused(tmp_path: Path) -> None:
    """Somebody else's certificate: no request is sent, no retry, the message says what to check."""
    guarded = Guarded(f"Bearer {TOKEN}")
    async with serving(guarded, ssl=_server_tls(trustme.CA())) as url:
        trusted = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()
        config = kubeconfig(tmp_path, url, {"token": TOKEN}, **{"certificate-authority-data": trusted})
        async with await connect(str(config), service_account=NOWHERE) as session:
            with pytest.raises(ConfigurationError, match="certificate-authority") as caught:
                await version(session)
    assert TOKEN not in str(caught.value)
    assert guarded.seen == []


async def test_client_certificates_and_server_names(tmp_path: Path) -> None:
    """A user known by certificate alone; a server reached under another name than its certificate's."""
    authority = trustme.CA()
    tls = _server_tls(authority, "api.internal")
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    client = authority.issue_cert("operator@example.test")
    for name, blob in (("crt", client.cert_chain_pems[0]), ("key", client.private_key_pem), ("ca", authority.cert_pem)):
        blob.write_to_path(str(tmp_path / name))
    user = {"client-certificate": "crt", "client-key": "key"}
    cluster = {"certificate-authority": "ca", "tls-server-name": "api.internal"}

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        return web.json_response({"gitVersion": str(bool(request.transport.get_extra_info("peercert")))})

    async with serving(answer, ssl=tls) as url:
        config = kubeconfig(tmp_path, url, user, **cluster)
        async with await connect(str(config), service_account=NOWHERE) as session:
            assert await version(session) == "True"


async def test_kopf_gets_sessions_of_its_own(tmp_path: Path) -> None:
    """Kopf closes what it is given and logs in again; ours must not notice."""
    async with serving(Guarded("Bearer t")) as url:
        config = kubeconfig(tmp_path, url, {"token": "t"})
        async with await connect(str(config), service_account=NOWHERE) as session:
            first, second = session.kopf_login(), session.kopf_login()
            assert first != second
            assert (second.server, second.default_namespace) == (url, "team")
            await first.aiohttp_session.close()
            async with second.aiohttp_session.get(f"{url}/version") as answer:
                assert answer.status == 200
            assert await version(session) == "v1"
        assert second.aiohttp_session.closed


GOOD = {
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": TOKEN}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}

OIDC = {"auth-provider": {"name": "oidc", "config": {"id-token": TOKEN}}}
NO_KUBECONFIGS = ["", "just text", "- a\n- b", f"users: [{{token: {TOKEN}\n  x: :::", "\x00"]


def _cluster(**cluster: str) -> dict[str, Any]:
    return {"clusters": [{"name": "c", "cluster": cluster}]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"current-context": ""}, "no current context"),
        ({"current-context": "y"}, "no context y"),
        ({"contexts": [{"name": "x", "context": {"user": "u"}}]}, "context x without a cluster"),
        ({"contexts": [{"name": "x", "context": {"cluster": "d", "user": "u"}}]}, "no cluster d"),
        (_cluster(), "no server"),
        (_cluster(server="ftp://x"), "no server"),
        ({"users": []}, "no user for context x"),
        ({"users": None}, "no user for context x"),
        ({"users": [{"name": "u", "user": {"tokenFile": "gone"}}]}, "tokenFile that does not exist"),
        (
            {"clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority": "gone"}}]},
            "does not exist",
        ),
        (
            {"clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority-data": "e"}}]},
            "user of",
        ),
        ({"clusters": [{"name": "c", "cluster": {"server": f"https://u:{TOKEN}@h"}}]}, "password in its server URL"),
        ({"users": [{"name": "u", "user": {"exec": {"command": TOKEN}}}]}, "credential plugin"),
        (
            {"users": [{"name": "u", "user": {"auth-provider": {"name": "oidc", "config": {"id-token": TOKEN}}}}]},
            "user of",
        ),
    ],
    ids=str,
)
async def test_a_broken_kubeconfig_is_named(
    tmp_path: Path, change: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What, where and how to mend it; never the token beside it."""
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(GOOD | change))
    await _refused(str(path), words, caplog)


@pytest.mark.parametrize(
    "content", ["", "just text", "- a\n- b", f"users: [{{token: {TOKEN}\n  x: :::", "\x00"], ids=repr
)
async def test_a_file_that_is_no_kubeconfig(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    """Empty, text, a list, YAML broken beside a token, binary."""
    path = tmp_path / "config"
    path.write_text(content)
    await _refused(str(path), "config", caplog)


async def test_no_kubeconfig(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a pod nor a kubeconfig: both ways out are named."""
    await _refused(None, r"no kubeconfig at .*missing.*KUBECONFIG.*pod", caplog, KUBECONFIG=str(tmp_path / "missing"))
    await _refused(None, r"no kubeconfig at .*/\.kube/config", caplog, HOME=str(tmp_path))


async def test_a_kubeconfig_that_may_not_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's refusal is passed on with the path."""
    path = tmp_path / "config"
    path.write_text("x")
    path.chmod(stat.S_IWUSR)

    def refuse(*_: object) -> None:  # root may read everything: the refusal is played
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("navixy_operator.adapters.kube.kubeconfig.KubeConfigMerger", refuse)
    await _refused(str(path), "cannot be read .PermissionError.", caplog)


async def test_a_service_account_without_a_host(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Half a pod."""
    (tmp_path / "token").write_text(TOKEN)
    with pytest.raises(ConfigurationError, match="KUBERNETES_SERVICE_HOST") as caught:
        await credentials.load(environ={}, service_account=tmp_path)
    assert TOKEN not in str(caught.value) + caplog.text


async def _refused(paths: str | None, words: str, caplog: pytest.LogCaptureFixture, **environ: str) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(ConfigurationError, match=words) as caught:
        await connect(paths, environ=environ, service_account=NOWHERE)
    assert (paths or "") in str(caught.value)
    assert TOKEN not in f"{caught.value!r}{caught.value.__context__ if not caught.value.__suppress_context__ else ''}"
    assert TOKEN not in caplog.text.replace(f"'{TOKEN}'", "")  # the plugin's command, which is no secret, is quoted


def _authorized(authorizer: Callable[..., Awaitable[aiohttp.ClientResponse]]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(middlewares=(authorizer,))


def _server_tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    return tls
