"""The machine's own Debian sources, whichever way they are written."""

from pathlib import Path

import pytest

from navixy_operator.sandbox.apt import debian_sources
from navixy_operator.sandbox.errors import ProvisioningError

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
DEB822 = """\
# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: https://third.example/apt
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://switched-off.example/debian
Suites: bookworm
Components: main
"""
INLINE_KEY = """\
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abcd
 -----END PGP PUBLIC KEY BLOCK-----
"""
ONE_LINE = """\
# deb {http}commented.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/k.gpg] {http}mirror.example/debian bookworm main non-free # trailing
deb {http}mirror.example/security bookworm-security main
deb-src {http}sources.example/debian bookworm main
deb {https}third.example/apt cloud-sdk-bookworm main
""".format(http="http://", https="https://")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A Debian machine without sources: ``etc_apt`` with ``os-release`` beside it."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "os-release").write_text(DEBIAN)
    return tmp_path


def stanzas(machine: Path) -> list[str]:
    """The sources found, for packages and sources."""
    return [source.stanza(types="deb deb-src") for source in debian_sources(machine, machine / "os-release")]


def test_deb822(machine: Path) -> None:
    """Only the release's own suites, only main; third parties and switched-off sources are left out."""
    (machine / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert [stanza.splitlines() for stanza in stanzas(machine)] == [
        [
            "Types: deb deb-src",
            "URIs: http://mirror.example/debian",
            "Suites: bookworm bookworm-updates",
            "Components: main",
            "Signed-By: /usr/share/keyrings/debian.gpg",
        ]
    ]


def test_deb822_with_a_key_in_it(machine: Path) -> None:
    """A key that stands in the source stays whole."""
    (machine / "sources.list.d" / "debian.sources").write_text(INLINE_KEY)
    assert stanzas(machine)[0].endswith(INLINE_KEY.partition("Components: main\n")[2])


def test_one_line(machine: Path) -> None:
    """The old format means the same, with its options."""
    (machine / "sources.list").write_text(ONE_LINE)
    assert [stanza.splitlines()[1:] for stanza in stanzas(machine)] == [
        [
            "URIs: http://mirror.example/debian",
            "Suites: bookworm",
            "Components: main",
            "Architectures: amd64 arm64",
            "Signed-By: /k.gpg",
        ],
        ["URIs: http://mirror.example/security", "Suites: bookworm-security", "Components: main"],
    ]


def test_not_debian(machine: Path) -> None:
    """Another distribution is named in the error."""
    (machine / "os-release").write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 43"\nVERSION_CODENAME=""\n')
    with pytest.raises(ProvisioningError, match="this system is Fedora Linux 43"):
        stanzas(machine)


def test_no_source(machine: Path) -> None:
    """Debian without a source of its release is told as that."""
    with pytest.raises(ProvisioningError, match="no source of Debian bookworm is configured"):
        stanzas(machine)
