"""Which NavixyCustomer is meant by a reference or a name."""

import pytest

from navixy_operator.core.naming import resource_name
from support.commands import Desk, customer


def named(desk: Desk, ref: str, *options: str) -> tuple[int, str]:
    """Exit code of a pin on it, and the resource that was pinned or the error."""
    code, _, err = desk.run("pin", ref, "hold", "--wait", "0", *options)
    items = [item for item in desk.resources.objects.values() if item.annotations]
    return code, items[0].name if items else err.strip()


@pytest.mark.parametrize("ref", ["C-1", resource_name("C-1")])
def test_by_reference_or_by_name(desk: Desk, ref: str) -> None:
    """Both name the same customer."""
    desk.put(customer("C-1", resource_name("C-1")), customer("C-2", resource_name("C-2")))
    assert named(desk, ref) == (0, resource_name("C-1"))


def test_a_reference_goes_before_a_name(desk: Desk) -> None:
    """A customer may be called as another one's resource is."""
    name = resource_name("C-1")
    desk.put(customer("C-1", name), customer(name, resource_name(name)))
    assert named(desk, name) == (0, resource_name(name))


def test_a_declaration_stands_before_a_projection(desk: Desk) -> None:
    """The reference means the declaration; the projection's name means nothing that would count."""
    desk.put(customer("acme"), customer("acme", "by-hand", source="Manual"))
    assert named(desk, "acme") == (0, "by-hand")
    code, _, err = desk.run("pin", "by-hand", "hold", "--wait", "0")
    assert code == 0
    desk.put(customer("beta"), customer("beta", "beta-by-hand", source="Manual"))
    code, _, err = desk.run("unpin", "beta")
    assert code == 0
    desk.put(customer("gamma", "first", source="Manual"), customer("gamma", "second", source="Manual"))
    code, _, err = desk.run("pin", "second", "hold")
    assert (code, err) == (
        3,
        "error: the NavixyCustomer second does not count: first stands for the customer gamma\n",
    )


def test_customers_of_several_syncs(desk: Desk) -> None:
    """Whose is meant must be said where both have one, and only there."""
    desk.put(
        customer("acme"), customer("acme", "other-acme", sync="other", source="Manual"), customer("beta", sync="other")
    )
    code, _, err = desk.run("pin", "acme", "hold")
    assert (code, err) == (3, 'error: "acme" is a customer of several NavixySyncs (main, other): choose with --sync\n')
    assert named(desk, "acme", "--sync", "other") == (0, "other-acme")
    assert desk.run("pin", "beta", "hold", "--wait", "0")[0] == 0


def test_unknown(desk: Desk) -> None:
    """Exit code 4, with what is near."""
    desk.put(customer("C-10042", "a"), customer("C-20000", "b"))
    code, _, err = desk.run("pin", "C-1042", "hold")
    assert code == 4
    assert err == (
        'error: "C-1042" is neither the reference nor the name of a NavixyCustomer in the namespace default'
        "; did you mean C-10042?\n"
    )
    code, _, err = desk.run("unpin", "nothing-like-it", "--sync", "main")
    assert (code, "did you mean" in err) == (4, False)
    assert "of a NavixyCustomer of main in the namespace default" in err


def test_an_empty_namespace(desk: Desk) -> None:
    """Perhaps it is the wrong one."""
    code, _, err = desk.run("pin", "acme", "hold", "-n", "nowhere")
    assert code == 4
    assert err == (
        'error: "acme" is no customer: there is no NavixyCustomer in the namespace nowhere; choose with --namespace\n'
    )
