"""The port Secrets on the API server."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from navixy_operator.adapters.kube.answers import NotFound
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.errors import KubernetesForbidden, SecretNotFound

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class KubeSecrets:
    """Reads values when they are asked for and keeps none; implements :class:`navixy_operator.ports.Secrets`.

    ``seen`` is told each value that is handed out: the log masks it from then on.
    """

    def __init__(self, client: KubeClient, *, seen: Callable[[str], None] | None = None) -> None:
        self._client = client
        self._seen = seen

    async def read(self, namespace: str, name: str, key: str) -> str:
        """One value as text, stripped. Raises SecretNotFound (missing, empty, not text, not permitted)."""
        where = f"Secret {namespace}/{name}"
        if _NAME.fullmatch(name) is None or _NAME.fullmatch(namespace) is None:
            message = f"{where} cannot exist: not a name of Kubernetes"
            raise SecretNotFound(message)
        try:
            answer = await self._client.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except NotFound:
            message = f"{where} does not exist: create it, or correct the reference to it"
            raise SecretNotFound(message) from None
        except KubernetesForbidden:
            message = f"not permitted to read {where}: the operator's Role must allow `get` on it"
            raise SecretNotFound(message) from None
        value = _text((answer.get("data") or {}).get(key), where, key)
        if self._seen is not None:
            self._seen(value)
        return value


def _text(encoded: object, where: str, key: str) -> str:
    if not isinstance(encoded, str):
        message = f"{where} has no key {key}: add it, or correct the reference to it"
        raise SecretNotFound(message)
    try:
        value = base64.b64decode(encoded, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):  # the errors quote the bytes
        message = f"key {key} of {where} is not UTF-8 text"
        raise SecretNotFound(message) from None
    if not value:
        message = f"key {key} of {where} is empty"
        raise SecretNotFound(message)
    return value
