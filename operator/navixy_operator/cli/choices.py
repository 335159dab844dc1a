"""Names of the vocabulary on the command line: without case, and with a word on what there is."""

import difflib
from enum import StrEnum
from typing import Any, NoReturn

import click


class OneOf(click.ParamType[str]):
    """A member of an enumeration: ``ConnectionClosed``, also written connectionclosed or connection-closed."""

    def __init__(self, members: type[StrEnum], name: str) -> None:
        self.name = name
        self._members = {_plain(member): member.value for member in members}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Find it. Raises BadParameter that lists those there are."""
        if (found := self._members.get(_plain(value))) is None:
            self._refuse(value, param, ctx)
        return found

    def _refuse(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NoReturn:
        near = difflib.get_close_matches(_plain(value), self._members, n=1)
        hint = f"; did you mean {self._members[near[0]]}?" if near else "."
        self.fail(f'"{value}" is no {self.name}{hint} There are: {", ".join(self._members.values())}', param, ctx)


def _plain(text: str) -> str:
    return "".join(character for character in str(text).lower() if character not in "-_ ")
