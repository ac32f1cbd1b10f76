"""``make bench``: rounds of yardsticks and work in turn, medians of their ratios, a table with goals and verdicts.

Exit status 1 when a goal is missed. All figures are of one machine that runs load, server and database together: only ratios count.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.server import Load, Server

# A round uses up this many buyers, each for three orders: more than any machine orders in its seconds.
BUYERS_PER_SECOND = 400


@dataclass(frozen=True)
class Goal:
    of_v: float
    of_y: float


GOALS = {"PostgreSQL": Goal(of_v=0.20, of_y=0.05), "SQLite": Goal(of_v=0.20, of_y=0.05)}


@dataclass(frozen=True)
class Round:
    """The same seconds of both yardsticks and of the work, one after the other."""

    y: Load
    v: Load
    order: Load


def rounds_on(server: Server, *, rounds: int, seconds: int) -> Iterator[Round]:
    server.build_world(buyers=rounds * seconds * BUYERS_PER_SECOND)
    for number in range(rounds):
        first = number * seconds * BUYERS_PER_SECOND
        yield Round(
            y=server.load("/api/bench/bare", "get", seconds=seconds),
            v=server.load("/api/bench/validate", "post", seconds=seconds),
            order=server.order(range(first, first + seconds * BUYERS_PER_SECOND), seconds=seconds),
        )
    server.doctor()


def measure(name: str, server: Server, *, rounds: int, seconds: int) -> bool:
    """Print the row of one database. Returns whether its goal was reached and every order was taken."""
    with server:
        seen = list(rounds_on(server, rounds=rounds, seconds=seconds))
    orders = [round_.order for round_ in seen]
    of_v = median(round_.order.per_second / round_.v.per_second for round_ in seen)
    of_y = median(round_.order.per_second / round_.y.per_second for round_ in seen)
    refused = sum(order.bad for order in orders)
    goal = GOALS[name]
    reached = of_v >= goal.of_v and of_y >= goal.of_y and not refused
    rates = "–".join(f"{rate:.0f}" for rate in sorted(order.per_second for order in orders))
    p50, p99 = median(order.median_ms for order in orders), median(order.p99_ms for order in orders)
    y, v = median(round_.y.per_second for round_ in seen), median(round_.v.per_second for round_ in seen)
    cells = [f"createorder, one hot group buy, {name}", rates, f"{p50:.0f} / {p99:.0f} ms", f"{y:.0f}", f"{v:.0f}"]
    cells += [f"{of_v:.2f} (≥ {goal.of_v:.2f})", f"{of_y:.3f} (≥ {goal.of_y:.2f})", str(refused), "reached" if reached else "MISSED"]
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432/postgres", help="where a database may be created")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    asked = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("The load generator wrk is missing (Debian: apt install wrk).")
    titles = ["work", "per second", "p50 / p99", "Y per second", "V per second", "of V", "of Y", "refused", "goal"]
    sys.stdout.write(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}\n")
    servers = {"PostgreSQL": Server(asked.postgres), "SQLite": Server()}
    reached = [measure(name, server, rounds=asked.rounds, seconds=asked.seconds) for name, server in servers.items()]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
