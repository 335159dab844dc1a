"""``navixy-operator audit cycle``: one cycle's whole story, also where a crash has cut it into several runs."""

import re
from collections.abc import AsyncIterator
from typing import Final

import click

from navixy_operator.api.counts import Counts
from navixy_operator.cli.auditforms import Table, exact
from navixy_operator.cli.auditstory import Listed, Section, Story, story_document
from navixy_operator.cli.auditwords import entries, number, what
from navixy_operator.cli.common import Place, console, not_found, plain, print_facts, print_json
from navixy_operator.cli.customers import near
from navixy_operator.cli.trail import ASKING_TRAIL, Trail, read_trail, trail_options
from navixy_operator.core.audit import Entry
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import EventName, Origin, RunKind, Step
from navixy_operator.ports import AuditQuery

DEFAULT_LIMIT: Final = 20
KNOWN: Final = 200
"""So many cycles are looked at for a name that is near to one that is not there."""
_RUN: Final = re.compile(r"[0-9a-f]{32}")


@click.command(short_help="Tell a cycle's whole story.")
@click.argument("name", metavar="CYCLE")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="So many entries of each section; 0: all.",
)
@trail_options()
def cycle(place: Place, name: str, *, limit: int) -> None:
    """Tell all of CYCLE: when it ran and how it ended, what it found, did, could not do, skipped and held back.

    CYCLE is the name of a SyncCycle, also of one that is long deleted, or of a pass between cycles (drift-…), or the
    ID of one run. A cycle that was cut off has several runs: what the next process says of it is one of its own.
    """
    stories, near_by = read_trail(place, lambda trail: _read(trail, place, name, limit), doing=ASKING_TRAIL)
    if not stories:
        message = f'the audit trail has nothing of a cycle "{name}"{near_by}'
        raise not_found(message)
    if place.json:
        print_json({"cycle": name, "runs": [story_document(story) for story in stories]})
        return
    runs = [story for story in stories if story.run.kind is not RunKind.OPERATOR] or stories
    for nth, story in enumerate(runs, start=1):
        if nth > 1:
            click.echo()
        _print(place, story, f" (run {nth} of {len(runs)})" if len(runs) > 1 else "")
    if besides := [entry for story in stories if story not in runs for entry in story.entries()]:
        _list(place, name, "Beside it", Listed(besides, len(besides)))


async def _read(trail: Trail, place: Place, name: str, limit: int) -> tuple[list[Story], str]:
    """The stories of a cycle's runs, in the order in which they began; where there are none, names that are near."""
    stories: dict[str, Story] = {}
    async for entry in _entries(trail, place, name):
        stories.setdefault(entry.run.id, Story(entry.run, limit)).hear(entry)
    if stories:
        return sorted(stories.values(), key=lambda story: story.moments[0]), ""
    completed = AuditQuery(trail.namespace, place.sync, event=EventName.SYNCHRONIZATION_COMPLETED, limit=KNOWN)
    known = {entry.run.name: None for entry in (await trail.reader.page(completed)).entries}
    return [], near(name, known)


async def _entries(trail: Trail, place: Place, name: str) -> AsyncIterator[Entry]:
    found = False
    async for entry in trail.entries(AuditQuery(trail.namespace, place.sync, cycle=name, oldest_first=True)):
        found = True
        yield entry
    if not found and _RUN.fullmatch(name):
        for entry in await trail.reader.run(name):
            if entry.run.namespace == trail.namespace and place.sync in {None, entry.run.sync}:
                yield entry


def _print(place: Place, story: Story, which: str) -> None:
    run, out = story.run, console()
    out.print(f"{plain(run.name)} of {run.namespace}/{run.sync}{which}", style="bold", markup=False)
    print_facts(out, _facts(story))
    for section in Section:
        _list(place, run.name, section.value.capitalize(), story.sections[section])


def _list(place: Place, cycle_name: str, title: str, listed: Listed) -> None:
    if not listed.count:
        return
    click.echo(f"\n{title}: {listed.count}")
    Table((), indent="  ").print([_row(entry) for entry in listed.entries])
    if listed.omitted:
        command = place.line("audit", "cycle", cycle_name, "--limit", "0")
        click.echo(f"  … and {listed.omitted} more: {command}")


def _facts(story: Story) -> list[tuple[str, str]]:
    """The head: when, how long, how it ended, and what it counted."""
    lines = [("Kind", _KINDS[story.run.kind])]
    if story.started is not None:
        due = story.scheduled
        lines.append(("Started", f"{timestamp(story.started)}, {f'scheduled for {due}' if due else 'on demand'}"))
    lines += [("Ended", _ended(story))]
    for label, told, unit in (
        ("Steps", story.steps, " s"),
        ("Counts", story.counts, ""),
        ("Discrepant", story.found, ""),
        ("Resolved", story.resolved, ""),
        ("Skips", story.skips, ""),
    ):
        if told:
            known = sorted(told.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER)))
            lines.append((label, ", ".join(f"{key} {value}{unit}" for key, value in known if value)))
    if story.held_unlisted:
        words = "by a guard, the policy or a dry run; the SyncCycle lists the closes"
        lines.append(("Held", f"{number(story.held_unlisted, 'action')} {words}"))
    lines.append(("Run", f"{story.run.id}, {entries(story.count)}{_purged(story)}"))
    return lines


def _ended(story: Story) -> str:
    if story.completed is not None:
        after = f" after {story.seconds:g} s" if story.seconds is not None else ""
        return f"{timestamp(story.completed.at)}{after}: {story.completed.status}, {story.ending}"
    if story.run.kind in {RunKind.CYCLE, RunKind.DRY_RUN}:
        return f"not told: it is running, or it was cut off; the last word of it is of {timestamp(story.moments[1])}"
    return timestamp(story.moments[1])


def _purged(story: Story) -> str:
    return f"; {story.missing} not there: database queries are kept for a year" if story.missing else ""


def _row(entry: Entry) -> tuple[str, ...]:
    by = " (manual)" if entry.origin == Origin.MANUAL else ""
    return exact(entry.at)[:23] + "Z", entry.event, plain(entry.customer or "-"), f"{what(entry)}{by}"


_ORDER: Final = {
    key: place for place, key in enumerate([*Step, *(field.alias for field in Counts.model_fields.values())])
}
"""The order in which steps are taken and counts are told; the trail keeps its JSON sorted."""
_KINDS: Final = {
    RunKind.CYCLE: "a cycle",
    RunKind.DRY_RUN: "a dry run: nothing was done",
    RunKind.DRIFT: "a pass between cycles",
    RunKind.ATTEND: "a pass over a few customers, for a pin or a declaration",
    RunKind.OPERATOR: "the operator's own, beside all passes",
}
