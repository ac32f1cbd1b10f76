"""Everything that falls due by itself: one table for the embedded worker and for Celery.

Each job is an idempotent service over leased rows, safe to run twice at once, and returns how much it did. A row that fails is
passed over (``retail.jobs.each``): one shop's or tenant's trouble stays its own.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import close_old_connections

from groupbuy.notices import messages, shipping
from groupbuy.orders import expiry, fulfilment, group_buyings, overdue
from groupbuy.payments import bills, reconciling, refunds
from retail import jobs, outbox
from retail.database import faults
from retail.logs import json_lines
from shops import devices

log = logging.getLogger(__name__)


class Job(Protocol):
    def __call__(self, *, now: datetime) -> int: ...


# Who sends what stands in the outbox: named here, so that ``retail`` knows none of the apps above it.
SENDERS: dict[str, outbox.Sender] = {
    **shipping.SENDERS,
    **dict.fromkeys(messages.Kind.values, messages.SENDER),
}

# name → service and seconds between two runs
JOBS: dict[str, tuple[Job, int]] = {
    "expire": (expiry.expire_due, 2),
    "reconcile": (reconciling.reconcile_due, 5),
    "refunds": (refunds.send_due, 5),
    "decide": (group_buyings.decide_due, 10),
    "carry_out": (group_buyings.carry_out_due, 5),
    "complete": (fulfilment.complete_due, 60),
    "remind": (overdue.remind_due, 60),
    "bill": (bills.compare_due, 600),
    "nonces": (devices.forget_nonces, 600),
    "outbox": (partial(outbox.send_due, senders=SENDERS), 2),
}


def run(name: str, *, now: datetime, report: Callable[[str], None] = log.info) -> jobs.Done:
    """One run of a job: how many rows moved, and how many failed, the run itself being one. What failed is left for the next run."""
    service, _seconds = JOBS[name]
    close_old_connections()
    with json_lines.belonging_to(run_id=json_lines.new_id(), job=name):
        return finish(name, partial(service, now=now), report)


def finish(name: str, service: Callable[[], int], report: Callable[[str], None]) -> jobs.Done:
    try:
        done = jobs.Done() + service()
    except Exception as error:
        if faults.is_outage(error):
            log.warning("job %s: unavailable: %s", name, faults.cause_of(error))
        else:
            log.exception("job %s failed", name)
        return jobs.Done(failed=1)
    if done or done.failed:
        report(f"{name}: {done}, {done.failed} failed" if done.failed else f"{name}: {done}")
    return done
