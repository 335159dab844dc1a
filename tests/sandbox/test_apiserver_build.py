"""The build of kube-apiserver: its source is prepared as it must be (it runs in full where no binary is found)."""

import io
import tarfile
from pathlib import Path

import pytest

from navixy_operator.sandbox import apiserver_build, debian
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import Quiet
from support.control_plane import unavailable

PATCH = """\
--- a/version.txt
+++ b/version.txt
@@ -1 +1 @@
-original
+patched
"""


def pack(path: Path, files: dict[str, str]) -> None:
    """Write an archive with these files."""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))


@pytest.mark.server
def test_source_is_unpacked_and_patched(tmp_path: Path) -> None:
    """The top directory is taken off and Debian's patches are applied in order, with Debian's patch, not installed."""
    try:
        root = debian.unpack(["patch"], progress=Quiet())
    except ProvisioningError as error:
        unavailable("Debian's patch", error)
    sources, tree = tmp_path / "sources", tmp_path / "tree"
    sources.mkdir()
    tree.mkdir()
    pack(sources / "kubernetes_1.0.orig.tar.gz", {"kubernetes-1.0/version.txt": "original\n"})
    again = PATCH.replace("patched", "again").replace("original", "patched")
    packaging = {"series": "# first\none.patch\n\ntwo.patch -p1\n", "one.patch": PATCH, "two.patch": again}
    pack(
        sources / "kubernetes_1.0-1.debian.tar.gz", {f"debian/patches/{name}": text for name, text in packaging.items()}
    )
    apiserver_build._unpack_source(sources, tree, root)
    assert (tree / "version.txt").read_text() == "again\n"


def test_another_source_package_is_refused(tmp_path: Path) -> None:
    """The error says what was found instead."""
    (tmp_path / "kubernetes_1.0.dsc").touch()
    with pytest.raises(ProvisioningError, match=r"not as expected: \['kubernetes_1.0.dsc'\]"):
        apiserver_build._unpack_source(tmp_path, tmp_path / "tree", tmp_path / "root")


def test_reflect2_is_replaced_whole(tmp_path: Path) -> None:
    """No file of the old version stays: one left over would not compile with the new."""
    vendored = tmp_path / "tree/vendor" / apiserver_build.REFLECT2
    newer = tmp_path / "root/usr/share/gocode/src" / apiserver_build.REFLECT2
    for directory, names in ((vendored, ("old.go", "old.s", "LICENSE")), (newer, ("new.go", "relfect2_arm64.s"))):
        directory.mkdir(parents=True)
        for name in names:
            (directory / name).touch()
    apiserver_build._replace_reflect2(tmp_path / "tree", tmp_path / "root")
    assert sorted(path.name for path in vendored.iterdir()) == ["LICENSE", "new.go", "relfect2_arm64.s"]


def test_a_failed_build_shows_its_log(tmp_path: Path) -> None:
    """The end of make's output is in the error."""
    tree, root = tmp_path / "tree", tmp_path / "root"
    tree.mkdir()
    make = root / "usr/bin/make"
    make.parent.mkdir(parents=True)
    make.write_text("#!/bin/sh\necho 'no rule to make target'; pwd; exit 2\n")
    make.chmod(0o755)
    with pytest.raises(
        ProvisioningError, match=r"(?s)exit code 2.*no rule to make target.*/\.go/src/k8s\.io/kubernetes"
    ):
        apiserver_build._make(tree, tmp_path, root)
