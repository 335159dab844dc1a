"""Where the programs of the control plane come from, in which order, and what happens when a source fails."""

import hashlib
import http.server
import io
import re
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from navixy_operator.sandbox import apiserver_build, assets, cache, debian, envtest
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import PlainProgress, Progress, Quiet

PROGRAMS = ("kube-apiserver", "etcd", "kubectl")
QUICK = envtest.Limits(first_byte=0.5, stall=0.5, total=1.0)


class FileServer:
    """An HTTP server on the loopback address: its files by path, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                content = outer.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A running file server."""
    files = FileServer()
    thread = threading.Thread(target=files.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield files
    files.server.shutdown()
    files.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no assets of the user's own, and no way to Debian."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(assets.OWN_VARIABLE, raising=False)
    monkeypatch.delenv(envtest.URL_VARIABLE, raising=False)

    def refuse(*_: object, **__: object) -> Path:
        message = "no Debian here"
        raise ProvisioningError(message)

    monkeypatch.setattr(apiserver_build, "build", refuse)
    monkeypatch.setattr(debian, "unpack", refuse)
    return tmp_path / "cache"


def fill(directory: Path, *names: str) -> Path:
    """Put executables of these names into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    return directory


def archive_with(*names: str) -> bytes:
    """An archive of the official form with these programs, and more in it than is wanted."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in (*names, "README.md", "../../escaped"):
            member = tarfile.TarInfo(f"controller-tools/envtest/{name}")
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    return buffer.getvalue()


def serve(files: FileServer, content: bytes, *, sha512: str | None = None) -> envtest.Archive:
    """Serve ``content``; the archive expects its checksum unless told another."""
    files.files["/a.tar.gz"] = content
    return envtest.Archive(f"{files.url}/a.tar.gz", sha512 or hashlib.sha512(content).hexdigest(), QUICK)


def debian_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the build from Debian's source succeed at once."""

    def build(target: Path, _: Progress) -> Path:
        return fill(target, *PROGRAMS)

    monkeypatch.setattr(apiserver_build, "build", build)


def unreachable() -> envtest.Archive:
    """An archive at a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return envtest.Archive(f"http://127.0.0.1:{taken.getsockname()[1]}/a.tar.gz", "0" * 128, QUICK)


def test_own_assets_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_server: FileServer) -> None:
    """KUBEBUILDER_ASSETS wins over the cache and the archive."""
    own = fill(tmp_path / "own", *PROGRAMS)
    fill(assets.envtest_dir(), *PROGRAMS)
    monkeypatch.setenv(assets.OWN_VARIABLE, str(own))
    found = assets.find(archive=serve(file_server, archive_with(*PROGRAMS)))
    assert found == assets.Assets(own / "kube-apiserver", own / "etcd", own / "kubectl", assets.OWN_VARIABLE)
    assert file_server.asked == []


def test_own_assets_without_servers_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets the variable wants to be told rather than given other programs."""
    monkeypatch.setenv(assets.OWN_VARIABLE, str(fill(tmp_path / "own", "etcd")))
    with pytest.raises(ProvisioningError, match=f"{assets.OWN_VARIABLE} names .*own, where there are no executables"):
        assets.find()


def test_own_assets_without_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kubectl then comes from the cache, and at worst from Debian's package."""
    own = fill(tmp_path / "own", "kube-apiserver", "etcd")
    package = fill(tmp_path / "package" / "usr" / "bin", "kubectl")
    monkeypatch.setenv(assets.OWN_VARIABLE, str(own))
    monkeypatch.setattr(debian, "unpack", lambda *_, **__: tmp_path / "package")
    assert assets.find().kubectl == package / "kubectl"
    cached = fill(assets.built_dir(), *PROGRAMS)
    assert assets.find().kubectl == cached / "kubectl"


def test_cache_before_archive(file_server: FileServer) -> None:
    """What was built here is used again without a look at the network; the official one in the cache is preferred."""
    archive = serve(file_server, archive_with(*PROGRAMS))
    fill(assets.built_dir(), *PROGRAMS)
    assert assets.find(archive=archive).etcd.parent == assets.built_dir()
    fill(assets.envtest_dir(), *PROGRAMS)
    assert assets.find(archive=archive).etcd.parent == assets.envtest_dir()
    assert file_server.asked == []


def test_archive_is_fetched_once(file_server: FileServer, tmp_path: Path) -> None:
    """The archive's three programs, executable, and nothing else of it; the second time from the cache."""
    archive = serve(file_server, archive_with(*PROGRAMS))
    found = assets.find(archive=archive)
    assert found.source == "envtest archive"
    assert sorted(path.name for path in found.etcd.parent.iterdir()) == sorted(PROGRAMS)
    assert all(path.stat().st_mode & 0o111 for path in found.etcd.parent.iterdir())
    assert assets.find(archive=archive).source == "cache (envtest)"
    assert file_server.asked == ["/a.tar.gz"]
    assert list(tmp_path.rglob("escaped")) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("checksum", "wrong SHA-512: [0-9a-f]{16}…, not 0{16}…"),
        ("not found", "404 Not Found"),
        ("nobody listens", "ConnectError"),
        ("no answer", "no answer within 0.5 s"),
        ("stalls midway", "ReadTimeout|not downloaded within"),
        ("programs missing", "the archive lacks kube-apiserver, kubectl"),
    ],
)
def test_a_bad_archive_is_given_up_soon(
    fault: str, reason: str, file_server: FileServer, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source says why within its limits, nothing of it stays, and the next source is used and told of."""
    debian_builds(monkeypatch)
    shown = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        archive = faulty(fault, file_server, silent)
        begun = time.monotonic()
        found = assets.find(PlainProgress(shown), archive=archive)
    assert time.monotonic() - begun < 3
    assert found.source == "Debian's source package"
    assert not assets.envtest_dir().exists()
    assert [path for path in (own_cache / "assets").iterdir() if path.suffix == ".gz"] == []
    assert re.search(f"No control plane from envtest archive: .*({reason})", shown.getvalue())


def faulty(fault: str, files: FileServer, silent: socket.socket) -> envtest.Archive:
    """An archive with this fault."""
    match fault:
        case "checksum":
            return serve(files, archive_with(*PROGRAMS), sha512="0" * 128)
        case "programs missing":
            return serve(files, archive_with("etcd"))
        case "nobody listens":
            return unreachable()
        case "not found":
            url = f"{files.url}/none"
        case "stalls midway":
            url = f"http://127.0.0.1:{stalling(silent)}/a"
        case _:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
    return envtest.Archive(url, "0" * 128, QUICK)


def stalling(server: socket.socket) -> int:
    """Make the server send the beginning of an answer, and then nothing more; gives its port."""

    def answer() -> None:
        connection, _ = server.accept()
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        connection.recv(1)  # until the client gives up
        connection.close()

    threading.Thread(target=answer, daemon=True).start()
    port: int = server.getsockname()[1]
    return port


def test_every_source_failed() -> None:
    """The error names each source with its reason, and what else can be done."""
    with pytest.raises(
        ProvisioningError, match=r"(?s)set KUBEBUILDER_ASSETS.*envtest archive: .*source package: no Debian"
    ):
        assets.find(archive=unreachable())


def test_the_pinned_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version and checksum are the code's; only the place can be set."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    pinned = envtest.pinned()
    assert pinned.url.endswith(f"/envtest-v{envtest.VERSION}/envtest-v{envtest.VERSION}-linux-amd64.tar.gz")
    assert re.fullmatch("[0-9a-f]{128}", pinned.sha512)
    monkeypatch.setenv(envtest.URL_VARIABLE, "http://mirror.example/envtest/")
    moved = envtest.pinned()
    assert moved.url.startswith("http://mirror.example/envtest/envtest-v")
    assert moved.sha512 == pinned.sha512


def test_no_archive_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without a pinned checksum gets no download."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ProvisioningError, match="no envtest archive is pinned for linux-riscv64"):
        envtest.pinned()


def test_two_at_once_download_once(file_server: FileServer) -> None:
    """The second one waits for the first and finds the result."""
    archive = serve(file_server, archive_with(*PROGRAMS))
    target = assets.envtest_dir()
    threads = [threading.Thread(target=envtest.fetch, args=(archive, target, Quiet())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert assets.has_servers(target)
    assert file_server.asked == ["/a.tar.gz"]
