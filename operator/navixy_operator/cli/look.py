"""What ``plan`` and ``explain`` look at: the planned cycle, and the held closes that wait for approval."""

from dataclasses import dataclass

from navixy_operator.bootstrap import World
from navixy_operator.cli.common import Place
from navixy_operator.cli.heldlist import find_approvable
from navixy_operator.cli.story import held_closes
from navixy_operator.ports import Resource
from navixy_operator.preview import Preview, preview


@dataclass(frozen=True, slots=True)
class Found:
    """A planned cycle. ``held``: how many closes a guard would hold; ``waiting``: the cycle that lists some already."""

    preview: Preview
    held: int
    waiting: Resource | None

    def how_to_approve(self, place: Place) -> str:
        """What a person does about held closes."""
        if self.waiting is None:
            return "Held closes wait for a person: run a cycle, which lists them, and approve its list."
        command = place.line("approve", self.waiting.name, sync=False)
        return f"To let go what the cycle {self.waiting.name} lists: {command}"


def look(place: Place) -> Found:
    """Plan a cycle as a dry run. Raises OperatorError."""

    async def ask(world: World) -> Found:
        namespace = place.namespace_in(world)
        found = await preview(world, namespace, place.sync)
        held = sum(map(held_closes, found.finding.decisions))
        waiting = await find_approvable(world, namespace, found.sync.name) if held else None
        return Found(found, held, waiting)

    return place.run(ask)
