"""Where the API server is and how to speak to it: the pod's service account, or a kubeconfig.

The reading is `kubernetes.aio.config`'s (exec plugins, OIDC, certificates, merged files). Its messages are not passed
on: they quote the user's entry of the kubeconfig, token and all.
"""

import asyncio
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader
from yarl import URL

from navixy_operator.adapters.kube import kubeconfig
from navixy_operator.adapters.kube.tokens import FILE_MAX_AGE, ReadHeader, bearer_file
from navixy_operator.errors import ConfigurationError

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PLUGIN_TIMEOUT: Final = 30.0  # seconds for a credential plugin or an identity provider


@dataclass(frozen=True, slots=True)
class Credentials:
    """One API server and our identity there. ``header`` is the whole Authorization value, None: a certificate's."""

    server: str
    namespace: str | None
    ssl: ssl.SSLContext | bool
    header: str | None = field(repr=False)
    read: ReadHeader | None = field(repr=False)
    max_age: float | None = None
    tls_server_name: str | None = None
    proxy: str | None = field(repr=False, default=None)


async def load(
    paths: str | None = None,
    *,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> Credentials:
    """The named kubeconfig if any is named; else the service account's files; else KUBECONFIG or ~/.kube/config.

    Raises ConfigurationError that says what is missing where.
    """
    if paths is None and context is None and await asyncio.to_thread((service_account / "token").is_file):
        return await asyncio.to_thread(_in_cluster, service_account, environ)
    return await _from_kubeconfig(paths or kubeconfig.default_paths(environ), context)


def own_namespace(
    paths: str | None = None,
    context: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> str | None:
    """The namespace that :func:`load` would give, without a word to a cluster; None: no file says one. Blocking.

    Raises ConfigurationError for a kubeconfig or context that is named and cannot be used.
    """
    named = paths is not None or context is not None
    file = service_account / "namespace"
    try:
        if not named and file.is_file():
            return file.read_text(encoding="utf-8").strip() or None
        return kubeconfig.choose(paths or kubeconfig.default_paths(environ), context).namespace
    except (ConfigurationError, OSError, UnicodeDecodeError):
        if named:
            raise
        return None


def _in_cluster(folder: Path, environ: Mapping[str, str]) -> Credentials:
    configuration = Configuration()
    token = folder / "token"
    loader = InClusterConfigLoader(str(token), str(folder / "ca.crt"), environ=environ)  # type: ignore[no-untyped-call] # not typed
    try:
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call] # not typed
        header = f"Bearer {token.read_text(encoding='utf-8').strip()}"
        namespace_file = folder / "namespace"
        namespace = namespace_file.read_text(encoding="utf-8").strip() if namespace_file.is_file() else None
    except (ConfigException, OSError, UnicodeDecodeError) as error:
        message = (
            f"the service account's files in {folder} or KUBERNETES_SERVICE_HOST and _PORT cannot be used "
            f"({type(error).__name__}): in a pod, leave automountServiceAccountToken on; elsewhere, set KUBECONFIG"
        )
        raise ConfigurationError(message) from None
    return Credentials(
        server=configuration.host,
        namespace=namespace or None,
        ssl=_tls(configuration),
        header=header,
        read=bearer_file(token),
        max_age=FILE_MAX_AGE,
    )


async def _from_kubeconfig(paths: str, context: str | None) -> Credentials:
    chosen = await asyncio.to_thread(kubeconfig.choose, paths, context)
    configuration = await _authenticate(chosen)
    url = URL(configuration.host)
    if url.user or url.password:
        message = (
            f"the cluster of context {chosen.context} in {paths} has a user or password in its server URL: remove it"
        )
        raise ConfigurationError(message)
    header, token_file = _header(configuration), chosen.token_file
    read = bearer_file(token_file) if token_file is not None else _reload(paths, context)
    if token_file is not None:
        try:
            header = await read()
        except (OSError, UnicodeDecodeError) as error:
            message = f"the token file {token_file} cannot be read ({type(error).__name__}): check its permissions"
            raise ConfigurationError(message) from None
    return Credentials(
        server=configuration.host,
        namespace=chosen.namespace,
        ssl=await asyncio.to_thread(_tls, configuration) if url.scheme == "https" else True,
        header=header,
        read=read,
        max_age=FILE_MAX_AGE if token_file is not None else None,
        tls_server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
    )


def _reload(paths: str, context: str | None) -> ReadHeader:
    """A source that reads the whole kubeconfig anew: plugins run again, a token renewed in the file is found."""

    async def read() -> str | None:
        return _header(await _authenticate(await asyncio.to_thread(kubeconfig.choose, paths, context)))

    return read


async def _authenticate(chosen: kubeconfig.Chosen) -> Configuration:
    configuration = Configuration()
    try:
        async with asyncio.timeout(PLUGIN_TIMEOUT):
            await chosen.loader().load_and_set(configuration)  # type: ignore[no-untyped-call] # not typed
    except Exception as error:  # noqa: BLE001 - whatever the plugin or the files make it raise; the text may hold a token
        message = (
            f"the user of context {chosen.context} in {chosen.paths} cannot be used ({type(error).__name__}): "
            "try `kubectl version` with the same kubeconfig"
        )
        raise ConfigurationError(message) from None
    if chosen.needs_plugin and _header(configuration) is None and configuration.cert_file is None:
        message = f"the credential plugin of context {chosen.context} in {chosen.paths} gave nothing: run it by hand"
        raise ConfigurationError(message)
    return configuration


def _header(configuration: Configuration) -> str | None:
    value = configuration.api_key.get("BearerToken")
    return str(value).strip() if value else None


def _tls(configuration: Configuration) -> ssl.SSLContext:
    """The context that verifies the API server against its own CA. Blocking: reads files."""
    try:
        tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        message = (
            f"the certificates for {configuration.host} cannot be used ({type(error).__name__}): check "
            "certificate-authority, client-certificate and client-key of the kubeconfig, or ca.crt in a pod"
        )
        raise ConfigurationError(message) from None
    # Python 3.13 asks for key identifiers, which the CAs of many running clusters lack; trust itself is not loosened
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:  # its owner wrote insecure-skip-tls-verify into the kubeconfig, as for kubectl
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls
