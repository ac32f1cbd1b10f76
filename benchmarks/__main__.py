"""``make bench``: rounds of yardsticks and work in turn, medians of their ratios, tables with goals and verdicts.

Exit status 1 when orders miss their goal or an answer is wrong; the goals of the other rows are aims. All figures are of one machine that
runs load, server and database together: only ratios count.
"""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks.rows import ROWS, Row
from benchmarks.server import Bare, Load, Product
from benchmarks.visitors import first_orders

# A round uses up this many buyers, each for three orders: more than any machine orders in its seconds.
BUYERS_PER_SECOND = 400
VISITORS_PER_SECOND = 20
FIRST_ORDER = "a visitor's first order on the page"
# Who reads a list of the chain waits longer than who orders.
READ_SECONDS = 10
# Shops, products of each, and orders of the one large group buy.
LARGE = (200, 5000, 100_000)


@dataclass(frozen=True)
class Goal:
    of_v: float
    of_y: float


# What was seen, less the 15 % that a change may cost.
GOALS = {"PostgreSQL": Goal(of_v=0.21, of_y=0.045), "SQLite": Goal(of_v=0.26, of_y=0.05)}


@dataclass(frozen=True)
class Round:
    """The same seconds of the yardsticks and of createorder, one after the other; ``within``: Y inside of the product."""

    y: Load
    within: Load
    v: Load
    order: Load


def print_row(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def print_head(*titles: str) -> None:
    print_row(*titles)
    sys.stdout.write(f"|{'---|' * len(titles)}\n")


def rates(loads: Iterable[Load]) -> str:
    return "–".join(f"{rate:.0f}" for rate in sorted(load.per_second for load in loads))


def times(loads: Sequence[Load]) -> str:
    return f"{median(load.median_ms for load in loads):.0f} / {median(load.p99_ms for load in loads):.0f} ms"


def order_round(bare: Bare, product: Product, number: int, seconds: int) -> Round:
    first = number * seconds * BUYERS_PER_SECOND
    return Round(
        y=bare.load("/bare", "get", seconds=seconds),
        within=product.load("/api/bench/within", "get", seconds=seconds),
        v=product.load("/api/bench/validate", "post", seconds=seconds),
        order=product.order(range(first, first + seconds * BUYERS_PER_SECOND), seconds=seconds),
    )


def measure_orders(name: str, bare: Bare, product: Product, *, rounds: int, seconds: int) -> bool:
    """Print the row of createorder. Returns whether its goal was reached and every order was taken."""
    product.sell(buyers=rounds * seconds * BUYERS_PER_SECOND)
    seen = [order_round(bare, product, number, seconds) for number in range(rounds)]
    product.doctor()
    orders, goal = [one.order for one in seen], GOALS[name]
    of_v = median(one.order.per_second / one.v.per_second for one in seen)
    of_y = median(one.order.per_second / one.y.per_second for one in seen)
    of_within = median(one.within.per_second / one.y.per_second for one in seen)
    refused = sum(order.bad for order in orders)
    reached = of_v >= goal.of_v and of_y >= goal.of_y and not refused
    y, v = (f"{median(load.per_second for load in loads):.0f}" for loads in ([one.y for one in seen], [one.v for one in seen]))
    figures = (f"{of_v:.2f} (≥ {goal.of_v:.2f})", f"{of_y:.3f} (≥ {goal.of_y:.3f})", f"{of_within:.2f}", refused)
    print_row(f"createorder, one hot group buy, {name}", rates(orders), times(orders), y, v, *figures, "reached" if reached else "MISSED")
    return reached


def measure_row(row: Row, bare: Bare, product: Product, facts: dict[str, object], *, rounds: int, seconds: int) -> bool:
    """Print one row of reading. Returns whether every answer was right."""
    path, words = row.path.format(**facts), ["get", *([str(facts[row.who])] if row.who else [])]
    alone = product.load(path, *words, seconds=seconds, connections=1, patience=READ_SECONDS)
    seen = [
        (bare.load("/bare", "get", seconds=seconds), product.load(path, *words, seconds=seconds, patience=READ_SECONDS))
        for _ in range(rounds)
    ]
    loads = [work for _y, work in seen]
    wrong = sum(load.bad for load in (alone, *loads))
    of_y = median(work.per_second / y.per_second for y, work in seen)
    answered = any(load.good for load in loads)
    goal = f"≥ {row.goal:.2f}" if row.goal else "–"
    print_row(row.work, rates(loads), f"{alone.median_ms:.0f} ms", times(loads), f"{of_y:.4f}", goal, wrong if answered else "none in time")
    return answered and not wrong


def measure_visitors(bare: Bare, product: Product, facts: dict[str, object], *, rounds: int, seconds: int) -> bool:
    """The row of the buyers' page where a visitor orders for the first time. Its load is Python's, which takes its part of the machine."""
    address = f"http://127.0.0.1:{product.port}/g/{facts['many']}/"
    count = seconds * VISITORS_PER_SECOND
    seen = [(bare.load("/bare", "get", seconds=seconds), first_orders(address, count=count)) for _ in range(rounds)]
    loads = [work for _y, work in seen]
    of_y = median(work.per_second / y.per_second for y, work in seen)
    wrong = sum(load.bad for load in loads)
    print_row(FIRST_ORDER, rates(loads), "", times(loads), f"{of_y:.4f}", "≥ 0.05", wrong)
    return not wrong


def measure_reads(bare: Bare, product: Product, named: str, large: Sequence[int], *, rounds: int, seconds: int) -> bool:
    """The rows whose name holds ``named``, on a chain that is ``large``."""
    facts = product.build("large", *map(str, large))
    span = {"rounds": rounds, "seconds": seconds}
    print_head("work, PostgreSQL", "per second", "alone", "p50 / p99 of 8 at once", "of Y", "goal", "no or wrong answer")
    right = [measure_row(row, bare, product, facts, **span) for row in ROWS if named in row.work]
    right += [measure_visitors(bare, product, facts, **span)] if named in FIRST_ORDER else []
    return all(right)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432/postgres", help="where a database may be created")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--only", choices=("orders", "reads"), help="half of it")
    parser.add_argument("--row", default="", help="of the reads only those whose name holds this")
    parser.add_argument("--large", type=int, nargs=3, default=LARGE, metavar="N", help="shops, products of each, orders of one group buy")
    asked = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("The load generator wrk is missing (Debian: apt install wrk).")
    span = {"rounds": asked.rounds, "seconds": asked.seconds}
    good = True
    if asked.only != "reads":
        print_head("work", "per second", "p50 / p99", "Y per second", "V per second", "of V", "of Y", "Y within", "refused", "goal")
    for name, postgres in (("PostgreSQL", asked.postgres), ("SQLite", "")):
        with ExitStack() as opened:
            product = opened.enter_context(Product(postgres))
            bare = opened.enter_context(Bare(product.workers))
            ready, memory = product.ready_after, product.memory_mb()
            if asked.only != "reads":
                good &= measure_orders(name, bare, product, **span)
            if asked.only != "orders" and postgres:
                good &= measure_reads(bare, product, asked.row, asked.large, **span)
            words = f"ready after {ready:.1f} s, {memory:.0f} MB (PSS) with {product.workers} processes and worker"
            sys.stdout.write(f"\n`serve` on {name}: {words}\n\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
