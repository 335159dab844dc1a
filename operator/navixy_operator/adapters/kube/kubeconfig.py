"""Which context, cluster and user of which kubeconfig: every mistake named, nothing of its content quoted. Blocking."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from kubernetes.aio.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger

from navixy_operator.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Chosen:
    """The entries of one context. ``paths``: as KUBECONFIG has them."""

    paths: str
    context: str
    namespace: str | None
    token_file: Path | None
    needs_plugin: bool
    config: ConfigNode = field(repr=False)

    def loader(self) -> KubeConfigLoader:
        """A fresh loader of `kubernetes.aio` for this context."""
        return KubeConfigLoader(  # type: ignore[no-untyped-call] # not typed
            config_dict=self.config, active_context=self.context, config_base_path=None
        )


def default_paths(environ: Mapping[str, str]) -> str:
    """KUBECONFIG, or the file that kubectl takes without it."""
    return environ.get("KUBECONFIG") or str(Path(environ.get("HOME") or Path.home()) / ".kube" / "config")


def choose(paths: str, context: str | None = None) -> Chosen:
    """Read the files of ``paths`` and pick the context. Raises ConfigurationError."""
    config = _merged(paths)
    name = context or config.value.get("current-context")
    if not name:
        _fail(paths, "sets no current context", "kubectl config use-context NAME, or name one")
    entry, _ = _entry(config, "contexts", name, "context") or _fail(
        paths, f"has no context {name}", "kubectl config get-contexts lists them"
    )
    cluster_name = entry.get("cluster")
    if not cluster_name:
        _fail(paths, f"has a context {name} without a cluster", f"kubectl config set-context {name} --cluster NAME")
    cluster, cluster_file = _entry(config, "clusters", cluster_name, "cluster") or _fail(
        paths, f"has no cluster {cluster_name}, which context {name} names", "kubectl config set-cluster"
    )
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith(("https://", "http://")):
        _fail(
            paths, f"gives cluster {cluster_name} no server", f"kubectl config set-cluster {cluster_name} --server URL"
        )
    user, user_file = _entry(config, "users", entry.get("user"), "user") or ({}, "")
    if not user and server.startswith("https://"):
        _fail(paths, f"has no user for context {name}", f"kubectl config set-context {name} --user NAME")
    _check_files(paths, cluster, cluster_file, ("certificate-authority",))
    _check_files(paths, user, user_file, ("client-certificate", "client-key", "tokenFile"))
    token_file = user.get("tokenFile")
    return Chosen(
        paths=paths,
        context=str(name),
        namespace=entry.get("namespace") or None,
        token_file=_beside(user_file, token_file) if token_file else None,
        needs_plugin="exec" in user or "auth-provider" in user,
        config=config,
    )


def _merged(paths: str) -> ConfigNode:
    files = [Path(part).expanduser() for part in paths.split(os.pathsep) if part]
    try:
        if not any(file.exists() for file in files):
            message = f"there is no kubeconfig at {paths}: set KUBECONFIG, or run in a pod with a service account"
            raise ConfigurationError(message)
        merged: ConfigNode = KubeConfigMerger(paths).config  # type: ignore[no-untyped-call] # not typed
    except OSError as error:
        _fail(paths, f"cannot be read ({type(error).__name__})", "check the path and its permissions")
    except (yaml.YAMLError, AttributeError, TypeError, KeyError, ValueError):
        # the YAML error quotes the line, which may hold a token; the others come from content that is no mapping
        _fail(paths, "is not a kubeconfig", "kubectl config view shows what kubectl makes of it")
    return merged


def _entry(config: ConfigNode, section: str, name: object, key: str) -> tuple[Mapping[str, Any], str] | None:
    """The content of one named entry, and the file it came from."""
    for node in config.value.get(section) or ():
        value = node.value
        if isinstance(value, Mapping) and value.get("name") == name and isinstance(value.get(key), Mapping):
            return value[key], node.path or ""
    return None


def _check_files(paths: str, entry: Mapping[str, Any], origin: str, keys: tuple[str, ...]) -> None:
    for key in keys:
        if entry.get(key) and not entry.get(f"{key}-data") and not (path := _beside(origin, entry[key])).is_file():
            _fail(paths, f"names a {key} that does not exist", f"restore {path} or correct the entry")


def _beside(origin: str, path: str) -> Path:
    """A path of a kubeconfig is relative to the kubeconfig."""
    return Path(origin).absolute().parent / path


def _fail(paths: str, what: str, remedy: str) -> NoReturn:
    message = f"the kubeconfig {paths} {what}: {remedy}"
    raise ConfigurationError(message) from None
