"""The control plane's own certificate authority, keys and tokens, and the kubeconfigs that carry them."""

import base64
import os
import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trustme
import yaml

from navixy_operator.sandbox.loopback import LOOPBACK

CLUSTER: Final = "navixy-sandbox"
ADMIN: Final = "admin"
ADMIN_GROUP: Final = "system:masters"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the files of one control plane lie; ``admin_token`` never shows itself."""

    ca_file: Path
    serving_certificate: Path
    serving_key: Path
    service_account_key: Path
    token_file: Path
    admin_token: str = field(repr=False)

    def ssl_context(self) -> ssl.SSLContext:
        """A context that trusts this control plane's authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def make_credentials(directory: Path) -> Credentials:
    """Make what one control plane needs, all below ``directory``.

    That is a certificate authority, a serving certificate for the loopback address, a key that signs the tokens of
    ServiceAccounts, and a token for an administrator.
    """
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name=CLUSTER)
    serving = authority.issue_cert(LOOPBACK, "localhost")
    made = Credentials(
        ca_file=directory / "ca.crt",
        serving_certificate=directory / "apiserver.crt",
        serving_key=directory / "apiserver.key",
        service_account_key=directory / "service-account.key",
        token_file=directory / "tokens.csv",
        admin_token=secrets.token_urlsafe(32),
    )
    write_private(made.ca_file, authority.cert_pem.bytes())
    write_private(made.serving_certificate, b"".join(blob.bytes() for blob in serving.cert_chain_pems))
    write_private(made.serving_key, serving.private_key_pem.bytes())
    # any key serves to sign tokens; this one belongs to a certificate that nobody uses
    write_private(made.service_account_key, authority.issue_cert("service-accounts.invalid").private_key_pem.bytes())
    write_private(made.token_file, f'{made.admin_token},{ADMIN},{ADMIN},"{ADMIN_GROUP}"\n'.encode())
    return made


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def write_kubeconfig(path: Path, *, url: str, ca_file: Path, token: str, namespace: str) -> Path:
    """Write a kubeconfig (mode 0600) with the authority and the token inside it; gives ``path``."""
    authority = base64.b64encode(ca_file.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CLUSTER, "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": CLUSTER, "user": {"token": token}}],
        "contexts": [{"name": CLUSTER, "context": {"cluster": CLUSTER, "user": CLUSTER, "namespace": namespace}}],
        "current-context": CLUSTER,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, yaml.safe_dump(config, sort_keys=False).encode())
    return path
