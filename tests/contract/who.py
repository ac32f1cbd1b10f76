"""The table of ``docs/api.md`` that says who may call what: the document is the expectation."""

import re
from pathlib import Path

from tests.contract.calls import GROUP, PRODUCT, SHOP
from tests.contract.world import MISSING, Bundle, World

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
ROLES = ("A", "B", "C", "M", "H", "D")
ROW = re.compile(r"^\| `(?P<path>/api/[a-z/]+)` \|(?P<cells>.*)\|$", re.MULTILINE)


def read_table() -> dict[str, dict[str, list[int]]]:
    """Endpoint → role → the HTTP codes for what is the caller's own, another's, and missing; or one for all of them."""
    table = {}
    for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8")):
        cells = [[int(code) for code in cell.split()] for cell in row["cells"].split("|")]
        table[row["path"]] = dict(zip(ROLES, cells, strict=True))
    return table


TABLE = read_table()
MAY = {path: [role for role, codes in row.items() if codes[0] == 200] for path, row in TABLE.items()}

# What everybody in the tenant may reach, whichever shop it belongs to.
OPEN_IN_TENANT = {
    "B": {
        GROUP + "createorder",
        GROUP + "savesubscribe",
        *(PRODUCT + name for name in ("get", "getbyproductid", "getlist", "getlistbyclass", "getlistbyproductids")),
    },
    "": {GROUP + "sharegroupbuying", GROUP + "visitgroupbuying"},
}


def foreign(world: World, path: str, role: str) -> list[Bundle]:
    """What is another's, seen by ``role``."""
    if role == "A" and path == SHOP + "getshopinfo":
        return [Bundle(shop=world.ours.shop, machine_key="guessed")]
    if role in ("A", "H") or path in OPEN_IN_TENANT.get(role, set()) | OPEN_IN_TENANT[""]:
        return [world.theirs]
    return [world.sibling, world.theirs]


def aims(world: World, path: str, role: str) -> list[tuple[Bundle, int]]:
    """Every bundle that a call may be aimed at, with the code that the table promises."""
    codes = TABLE[path][role]
    own, others, missing = codes if len(codes) > 1 else codes * 3
    return [(world.ours, own), *((bundle, others) for bundle in foreign(world, path, role)), (MISSING, missing)]
