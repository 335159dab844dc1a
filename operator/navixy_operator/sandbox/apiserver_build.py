"""kube-apiserver built from Debian's source package (1.20.2 in Debian 12) with Debian's Go; nothing is installed."""

import os
import shutil
import tarfile
from pathlib import Path
from typing import Final

from navixy_operator.sandbox import cache, debian
from navixy_operator.sandbox.apt import Apt, run_tool
from navixy_operator.sandbox.errors import ProcessError, ProvisioningError
from navixy_operator.sandbox.process import Process, Program
from navixy_operator.sandbox.progress import Progress

GO: Final = "1.19"
TOOLS: Final = (f"golang-{GO}-go", f"golang-{GO}-src", "golang-github-modern-go-reflect2-dev", "rsync", "make", "patch")
PROGRAMS: Final = (("etcd-server", "etcd"), ("kubernetes-client", "kubectl"))
REFLECT2: Final = Path("github.com/modern-go/reflect2")
# the build runs inside a tree that has the form of a GOPATH
GOPATH_LINK: Final = Path(".go/src/k8s.io/kubernetes")
BUILD_SECONDS: Final = 3600.0


def build(target: Path, progress: Progress) -> Path:
    """Build kube-apiserver and publish it, with Debian's etcd and kubectl beside it, as ``target``; gives ``target``.

    Takes about three minutes on two cores and 3 GB of disk, which are free again at the end.

    Raises:
        ProvisioningError: not Debian, no network, or the build failed: the text ends with its log.
    """
    with cache.lock(target):
        if target.is_dir():
            return target
        # a fixed place, so that a build that was killed leaves nothing for ever
        scratch = cache.cache_dir() / "build"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            with cache.publishing(target) as work:
                _build(scratch, work, progress)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def _build(scratch: Path, work: Path, progress: Progress) -> None:
    root, tree = scratch / "root", scratch / "tree"
    debian.unpack_into(root, [*TOOLS, *(package for package, _ in PROGRAMS)], progress)
    with progress.phase("Downloading Debian's source package of Kubernetes"):
        sources = _download_source(scratch / "source", progress)
    with progress.phase("Unpacking the source"):
        tree.mkdir()
        _unpack_source(sources, tree, root)
        _replace_reflect2(tree, root)
    with progress.phase("Building kube-apiserver (some minutes on 2 cores)"):
        _make(tree, scratch, root)
    shutil.copy2(next(tree.glob("_output/local/bin/linux/*/kube-apiserver")), work / "kube-apiserver")
    for _, name in PROGRAMS:
        shutil.copy2(root / "usr" / "bin" / name, work / name)


def _download_source(directory: Path, progress: Progress) -> Path:
    directory.mkdir()
    apt = Apt(sources=True)
    apt.update(progress)
    apt.run("--download-only", "source", "kubernetes", cwd=directory)
    return directory


def _unpack_source(sources: Path, tree: Path, root: Path) -> None:
    """As ``dpkg-source -x`` does for "3.0 (quilt)", without the Perl that it needs; apt has checked the files."""
    original = next(sources.glob("kubernetes_*.orig.tar.*"), None)
    packaging = next(sources.glob("kubernetes_*.debian.tar.*"), None)
    if original is None or packaging is None:
        message = (
            f"Debian's source package of Kubernetes is not as expected: {sorted(p.name for p in sources.iterdir())}"
        )
        raise ProvisioningError(message)
    with tarfile.open(original) as tar:
        tops = {member.name.split("/")[0] for member in tar}
        # signed by Debian; the filter keeps it inside
        tar.extractall(tree, filter="tar")
    if len(tops) == 1:
        top = tree / tops.pop()
        for entry in top.iterdir():
            entry.rename(tree / entry.name)
        top.rmdir()
    with tarfile.open(packaging) as tar:
        tar.extractall(tree, filter="tar")
    patches = tree / "debian" / "patches"
    series = patches / "series"
    names = series.read_text().splitlines() if series.exists() else []
    for name in (line.split()[0] for line in names if line.strip() and not line.startswith("#")):
        run_tool([str(root / "usr/bin/patch"), "-p1", "-s", "-t", "-F0", "-i", str(patches / name)], cwd=tree)


def _replace_reflect2(tree: Path, root: Path) -> None:
    """Lay Debian's reflect2 over the vendored one, which crashes at the first custom resource with Go 1.18 and on."""
    vendored, newer = tree / "vendor" / REFLECT2, root / "usr/share/gocode/src" / REFLECT2
    for pattern in ("*.go", "*.s"):
        for old in vendored.glob(pattern):
            old.unlink()
        for new in newer.glob(pattern):
            shutil.copy(new, vendored)


def _make(tree: Path, scratch: Path, root: Path) -> None:
    """Run Kubernetes' own build, beside a guard: nothing of it survives us."""
    link = tree / GOPATH_LINK
    link.parent.mkdir(parents=True)
    link.symlink_to(tree)
    goroot = root / "usr" / "lib" / f"go-{GO}"
    environment = {
        "PATH": f"{goroot}/bin:{root}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": debian.library_path(root),
        "HOME": str(scratch),
        "LC_ALL": "C",
        "GOROOT": str(goroot),
        "GOPATH": str(link / ".go"),
        "GOTMPDIR": str(scratch),
        "TMPDIR": str(scratch),
        "GOFLAGS": "",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
    }
    # the shell keeps the path as it was gone through; a working directory would lose the link
    command = ["/bin/sh", "-c", f"cd {GOPATH_LINK} && exec make WHAT=cmd/kube-apiserver"]
    program = Program(name="build", argv=command, log=scratch / "build.log", env=environment, cwd=tree)
    try:
        with Process(program) as process:
            if code := process.wait(BUILD_SECONDS):
                message = f"make ended with exit code {code}; the end of its log:\n{process.log_tail(30)}"
                raise ProvisioningError(message)
    except ProcessError as error:
        raise ProvisioningError(str(error)) from error
