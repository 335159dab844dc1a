"""The cache: artefacts are whole or absent, and built once."""

import threading
from pathlib import Path

import pytest

from navixy_operator.sandbox import cache


def test_the_place_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own variable wins, then XDG's, then the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("NAVIXY_CACHE_DIR", raising=False)
    assert cache.cache_dir() == tmp_path / "home" / ".cache" / "navixy-operator"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir() == tmp_path / "xdg" / "navixy-operator"
    monkeypatch.setenv("NAVIXY_CACHE_DIR", str(tmp_path / "own"))
    assert cache.cache_dir() == tmp_path / "own"
    assert cache.cache_dir().is_dir()


def test_publishing_replaces_whole(tmp_path: Path) -> None:
    """What was published before is gone, what is new is complete and readable by servers of other users."""
    target = tmp_path / "thing"
    for name in ("old", "new"):
        with cache.publishing(target) as work:
            (work / name).touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """Neither the target nor the directory it was built in."""
    with pytest.raises(RuntimeError), cache.publishing(tmp_path / "thing") as work:  # noqa: PT012 - a build that fails midway
        (work / "half").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_killed_build_leaves_nothing_for_ever(tmp_path: Path) -> None:
    """The next build of the same thing, and of no other, clears it away."""
    with cache.publishing(tmp_path / "thing") as killed, cache.publishing(tmp_path / "thing-2") as other:
        with cache.publishing(tmp_path / "thing"):
            assert not killed.exists()
            assert other.exists()
        killed.mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thing", "thing-2"]


def test_one_builds_the_other_waits(tmp_path: Path) -> None:
    """While one holds the lock nobody else gets it; then the next one does."""
    entered = threading.Event()

    def second() -> None:
        with cache.lock(tmp_path / "thing"):
            entered.set()

    with cache.lock(tmp_path / "thing"):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(5)
    thread.join()
