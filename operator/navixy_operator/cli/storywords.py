"""One customer's story in lines for a person: each a label and what there is to say."""

from typing import Any

Line = tuple[str, str]


def lines(story: dict[str, Any]) -> list[Line]:
    """The story, told in order."""
    item, verdict = story["resource"], story["verdict"]
    word = "eligible" if verdict["eligible"] else "not eligible"
    connections = [_connection(connection) for connection in story["connections"]]
    return [
        *_declaration(story),
        ("Record", _record(story["record"])),
        ("Verdict", f"{word}, {verdict['reason']}: {verdict['message']}"),
        *_pin(story["pin"]),
        ("Resource", f"{item['name']}, Ready {item['ready']}" if item else "none"),
        *(("Connection", text) for text in connections or ["none"]),
        *_decision(story["decision"]),
    ]


def _declaration(story: dict[str, Any]) -> list[Line]:
    told = story["declaration"]
    if told is None:
        return []
    end = "; it is being deleted, which closes the connection" if told["deleting"] else ""
    text = f"by the NavixyCustomer {told['name']} (source Manual), hash from the Secret {told['secret']}{end}"
    return [("Declared", text)]


def _record(record: dict[str, Any] | None) -> str:
    if record is None:
        return "none in the customer database"
    if record["declared"]:
        told = f"state {record['state']}, hash {record['hash'] or 'none that is valid'}"
        return f"{told}: as declared, whatever the customer database has"
    facts = [
        f"name {record['name']}" if record["name"] else None,
        f"state {record['state'] or 'unreadable'}",
        f"gateways {'unreadable' if record['gateways'] is None else record['gateways']}",
        f"hash {record['hash'] or 'none that is valid'}",
        f"{record['rows']} rows" if record["rows"] > 1 else None,
    ]
    return ", ".join(fact for fact in facts if fact)


def _pin(pin: dict[str, Any] | None) -> list[Line]:
    if pin is None:
        return []
    odd = [("", problem) for problem in pin["problems"]]
    if pin["expired"]:
        return [("Pin", f"ended, and no longer counts: {pin['words']}"), *odd]
    objection = [("", f"it does not decide: {pin['notHeeded']}")] if pin["notHeeded"] else []
    late = [] if pin["heededByOperator"] else [("", "no operator has heeded it yet")]
    without = pin["without"]
    instead = f"{without['desired'] or 'as it is'}, {without['reason']}: {without['message']}"
    return [("Pin", pin["words"]), *odd, *objection, *late, ("Without it", instead)]


def _connection(connection: dict[str, Any]) -> str:
    hash_words = "the customer's hash" if connection["sameHash"] else "ANOTHER hash"
    error = f", error {connection['error']}" if connection["error"] else ""
    return (
        f"{connection['id']} {connection['state']} since {connection['since']}, "
        f"origin {connection['origin']}, with {hash_words}{error}"
    )


def _decision(decision: dict[str, Any]) -> list[Line]:
    desired = f"as it is ({decision['desired']})" if decision["asItIs"] else decision["desired"]
    held = f", but held back: {decision['heldBy']}" if decision["heldBy"] else ""
    return [
        ("Desired", f"{desired}, {decision['reason']}: {decision['message']}"),
        ("Action", f"{decision['action']}{held}"),
    ]
