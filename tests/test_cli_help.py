"""The command line without a cluster: help of every command, exit codes as documented, errors in one line."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from navixy_operator import cli, settings
from navixy_operator.cli.common import program
from navixy_operator.cli.main import commands
from navixy_operator.errors import ConfigurationError, DatabaseUnavailable, InvalidSpec
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.f11.behaviour import Behaviour

COMMANDS: Final = (*("approve", "audit", "demo", "explain", "pin", "plan", "run", "simulate-f11", "status", "unpin"),)
SUBCOMMANDS: Final = ("audit cycle", "audit verify")
WIDTH: Final = 100
TOKEN: Final = "NAVIXY_F11_TOKEN"
IN_USE: Final = "Address already in use"

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the caller's: no cluster, no token, no audit trail, no programs."""
    for name in (TOKEN, "KUBERNETES_SERVICE_HOST", "AUDIT_DATABASE_URL", "AUDIT_DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path / "no-data"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))


def test_there_are_these_commands() -> None:
    """A new command must be added to these tests."""
    assert tuple(sorted(commands.commands)) == COMMANDS
    groups = {name: found for name, found in commands.commands.items() if isinstance(found, click.Group)}
    below = [f"{name} {command}" for name, group in groups.items() for command in sorted(group.commands)]
    assert tuple(below) == SUBCOMMANDS


def found(line: str) -> click.Command:
    """A command, by what is typed for it; nothing is the group of all."""
    command: click.Command = commands
    for name in line.split():
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


@pytest.mark.parametrize("line", ["", *COMMANDS, *SUBCOMMANDS])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(line: str, option: str, capsys: Captured) -> None:
    """Exit code 0, a summary, every option described, no marks of the formatter, lines that fit a terminal."""
    assert cli.main([*line.split(), option]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("Usage: ")
    assert "\b" not in out
    assert r"\b" not in out
    assert [line for line in out.splitlines() if len(line) > WIDTH] == []
    command = found(line)
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[-1] in out


def test_run_names_every_variable(capsys: Captured) -> None:
    """Those that the process's settings are read from, and the cluster's own; no other."""
    assert cli.main(["run", "--help"]) == 0
    table = capsys.readouterr().out.partition("Environment:\n")[2]
    told = set(re.findall(r"^ +([A-Z][A-Z]+_[A-Z_]+|KUBECONFIG)(?=  | *$)", table, re.MULTILINE))
    source = Path(settings.__file__).read_text("utf-8")
    assert told == {*re.findall(r"``([A-Z][A-Z_]+)``", source), "KUBECONFIG"}


def test_the_list_of_commands_cuts_no_summary(capsys: Captured) -> None:
    """Each command has a line of its own, below what it is for, that is not cut short."""
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Look:\n")[2].partition("Exit codes:")[0]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line.strip()]
    assert sorted(names) == list(COMMANDS)
    assert "..." not in listed


def test_kubectls_plugin_calls_itself_as_kubectl_does() -> None:
    """The commands that are told to type next begin with what was typed."""
    for called, told in (("kubectl-navixy", "kubectl navixy"), ("navixy-operator", "navixy-operator")):
        with click.Context(commands, info_name=called):
            assert program() == told
    assert program() == "navixy-operator"


def test_exit_codes_are_documented_alike(capsys: Captured) -> None:
    """`--help` and the package's own documentation name the same exit codes."""
    assert cli.main(["--help"]) == 0
    table = capsys.readouterr().out.partition("Exit codes:\n")[2]
    in_help = set(re.findall(r"^ +(\d+) ", table, re.MULTILINE))
    in_docs = set(re.findall(r"\b(\d+) [a-z]", (cli.__doc__ or "").partition("Exit codes:")[2]))
    assert in_help == in_docs == {"0", "1", "2", "3", "4", "130"}


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DatabaseUnavailable("it did not answer"), 1, "error: DatabaseUnavailable: it did not answer\n"),
        (InvalidSpec("say it otherwise"), 3, "error: InvalidSpec: say it otherwise\n"),
        (ConfigurationError("choose one"), 3, "error: choose one\n"),
        (ProvisioningError("there is no network"), 1, "error: there is no network\n"),
        (click.UsageError("no such thing"), 2, "Error: no such thing\n"),
        (click.exceptions.Exit(4), 4, ""),
        (click.Abort(), 130, "stopped\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
    ids=["temporary", "configuration", "without a reason", "sandbox", "usage", "exit", "abort", "Ctrl-C"],
)
def test_exit_codes(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Each kind of end has its documented exit code, and is told in one line."""

    @click.command()
    def fail() -> None:
        raise error

    monkeypatch.setitem(commands.commands, "fail", fail)
    assert cli.main(["fail"]) == code
    out, err = capsys.readouterr()
    assert out.strip() == ""
    assert err.splitlines(keepends=True)[-1:] == ([words] if words else [])
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("explain", "Missing argument 'REF'"),
        ("plan --nonsense", "No such option"),
        ("plan -o xml", "'xml' is not one of"),
        ("pin", "Missing argument 'REF'"),
        ("pin C-1 off", "'off' is not one of"),
        ("pin C-1 hold --for ever", '"ever" is no duration'),
        ("unpin", "Missing argument 'REF'"),
        ("audit nonsense", "No such command 'nonsense'"),
        ("audit --event Closed", '"Closed" is no event'),
        ("audit --since yesterday", '"yesterday" is no moment: write a time'),
        ("audit --since 1h --until 2h", "nothing can lie between them"),
        ("audit --origin nobody", "'nobody' is not one of"),
        ("audit --limit -1", "-1 is not in the range"),
        ("audit --customer C-1 verify", "--customer: give the options of `verify` after its name"),
        ("audit cycle", "Missing argument 'CYCLE'"),
        ("audit cycle first -o csv", "'csv' is not one of"),
        ("explain C-1 --history --limit 0", "0 is not in the range"),
        ("status --nonsense", "No such option"),
        ("approve", "Missing argument 'CYCLE'"),
        ("simulate-f11", TOKEN),
        ("simulate-f11 --token-file /nonexistent", "does not exist"),
        ("simulate-f11 --port 70000", "70000 is not in the range"),
        ("simulate-f11 --set settle_seconds", "give NAME=VALUE"),
        ("simulate-f11 --set settle_seconds=soon", "--set settle_seconds: "),
        ("simulate-f11 --set no_such=1", "--set no_such: "),
        ("simulate-f11 --set refusals={", "no JSON object"),
    ],
)
def test_wrong_usage(line: str, words: str, capsys: Captured) -> None:
    """Exit code 2, the usage, and what is wrong with it."""
    assert cli.main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: ")
    assert words in err.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("plan", 3, "kubeconfig"),
        ("run", 3, "kubeconfig"),
        ("pin C-1 hold", 3, "kubeconfig"),
        ("approve first --yes", 3, "kubeconfig"),
        ("audit", 3, "there is no audit trail at"),
        ("demo", 1, "KUBEBUILDER_ASSETS names"),
    ],
)
def test_errors_are_told_without_a_traceback(command: str, code: int, words: str) -> None:
    """As a process: the exit code, one line that says what is wrong, no traceback."""
    ended = run_cli(*command.split())
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("error: ")
    assert words in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stdout + ended.stderr


def test_simulate_f11_help_names_all_settings(capsys: Captured) -> None:
    """Every setting of the simulator, and none that does not exist."""
    assert cli.main(["simulate-f11", "--help"]) == 0
    table = capsys.readouterr().out.partition("Settings for --set, with their defaults:\n")[2]
    assert re.findall(r"^ {4}([a-z]\w+)", table, re.MULTILINE) == list(Behaviour.model_fields)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A simulator as the command line starts it; its database is the file ``f11.sqlite``."""
    settings = ["--set", "settle_seconds=2.5", "--set", 'failures={"C-1": {"code": "broken"}}']
    command = [sys.executable, "-m", "navixy_operator", "simulate-f11", "--database", str(tmp_path / "f11.sqlite")]
    with subprocess.Popen(
        command + settings, stdout=subprocess.PIPE, text=True, env=os.environ | {TOKEN: "any"}
    ) as process:
        yield process
        process.kill()


@pytest.mark.server
def test_simulate_f11_serves_until_it_is_told_to_stop(simulator: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """It says where it is, behaves as `--set` says, keeps its state in the file, and ends with 0 at SIGTERM."""
    assert simulator.stdout is not None
    ready = json.loads(simulator.stdout.readline())
    with urllib.request.urlopen(ready["admin"] + "/state", timeout=10) as answer:  # noqa: S310 - our own
        state = json.load(answer)
    assert state["settings"]["settle_seconds"] == 2.5
    assert state["settings"]["failures"]["C-1"]["code"] == "broken"
    taken = run_cli("simulate-f11", "--port", str(ready["port"]), **{TOKEN: "any"})
    assert taken.returncode == 1
    assert taken.stderr == f"error: the simulator cannot listen on 127.0.0.1, port {ready['port']}: {IN_USE}\n"
    simulator.send_signal(signal.SIGTERM)
    assert simulator.wait(20) == 0
    assert (tmp_path / "f11.sqlite").exists()


@pytest.mark.server
def test_simulate_f11_with_a_file_that_is_no_database(tmp_path: Path) -> None:
    """One line that names the file."""
    (tmp_path / "text").write_text("no database, but long enough to be taken for one" * 100)
    ended = run_cli("simulate-f11", "--database", str(tmp_path / "text"), **{TOKEN: "any"})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: the simulator's database cannot be used: {tmp_path / 'text'}: ")
    assert ended.stderr.count("\n") == 1


def run_cli(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command line as a process, with nothing on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "navixy_operator", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )
