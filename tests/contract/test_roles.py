"""Every endpoint × every role × own, another's and missing rows: the codes of the table in ``docs/api.md``."""

import pytest

from tests.contract.calls import CALLS, PRODUCT, Aim, call, send
from tests.contract.changes import state, undone, writes
from tests.contract.specification import METHODS
from tests.contract.who import ROLES, TABLE, aims


@pytest.mark.parametrize("path", METHODS)
def test_each_role_gets_the_codes_of_the_table_and_a_denial_writes_nothing(world, untouched, path):
    for role in ROLES:
        said = []
        for bundle, code in aims(world, path, role):
            with undone(), writes() as written:
                answer = call(world, path, role, bundle)
                assert answer.status_code == code, (role, bundle, answer.content.decode())
                if code != 200:
                    assert set(answer.json()) == {"status", "message"}
                    # Nothing at all is executed mostly; where something was, it must be gone.
                    assert not written or state() == untouched, (role, bundle, written)
            said.append(answer.content)
        if TABLE[path][role][1:] == [404, 404]:
            assert len(set(said[1:])) == 1, f"{role} can tell another's from what is missing"


NEIGHBOURS = {"M2": "M", "H3": "H", "D2": "D", "B3": "B"}


@pytest.mark.parametrize("path", [path for path in METHODS if any(codes[1:] == [404, 404] for codes in TABLE[path].values())])
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_who_belongs_elsewhere_finds_nothing_here(world, path, neighbour):
    """Another shop's manager and device, another tenant's headquarters and buyer, with the rights of their role, at our rows."""
    codes = TABLE[path][NEIGHBOURS[neighbour]]
    if len(codes) == 1 or codes[1] == 200:
        assert call(world, path, neighbour, world.ours).status_code == codes[0]
        return
    with undone():
        assert call(world, path, neighbour).status_code == codes[0]
    with undone(), writes() as written:
        found = call(world, path, neighbour, world.ours)
        if neighbour == "M2" and path.endswith("sharegroupbuying"):
            assert found.status_code == 200
        else:
            assert (found.status_code, written) == (codes[1], [])


def batches(path: str, own: Aim, foreign: Aim) -> list:
    """The call with one foreign row among the caller's own."""
    if path in (PRODUCT + "changeprices", PRODUCT + "delete"):
        return [CALLS[path](own) + CALLS[path](foreign)]
    sent = CALLS[path](own)
    mixed = [sent | {"shopIds": [own.at.shop, foreign.at.shop]}]
    if "addproduct" in path:
        mixed.append(sent | {"productIds": [own.at.new_product, foreign.at.new_product]})
    return mixed


@pytest.mark.parametrize("name", ["changeprices", "delete", "addproduct", "addproductbyclass", "unifychangeprice"])
def test_one_foreign_row_in_a_batch_refuses_all_of_it(world, untouched, name):
    path = PRODUCT + name
    for role in ("M", "H"):
        own, foreign = Aim(role, world.ours, world.ours), Aim(role, world.theirs, world.ours)
        for arguments in batches(path, own, foreign):
            answer = send(world, path, role, arguments)
            assert answer.status_code == 404, (role, answer.content.decode())
    assert state() == untouched


def test_clearing_a_shop_needs_its_own_right(world):
    for role in ("M", "H"):
        world.people[role].user_permissions.clear()
        assert call(world, PRODUCT + "deleteall", role).status_code == 403


def test_the_table_names_every_endpoint_of_the_code():
    assert list(TABLE) == list(METHODS)
