"""Telling the world outside of a change: written in its transaction, sent after it, at most once unless sending again is harmless."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from retail import jobs, mini_program
from retail.models import OutboxEntry, OutboxState
from retail.principals import Principal
from retail.refusals import NotThere, Refusal, Unavailable
from retail.rights import Right

log = logging.getLogger(__name__)
# Longer than any call takes, and than a run of the job.
LEASE = timedelta(minutes=5)
BACKOFF = jobs.Backoff(timedelta(seconds=30), timedelta(hours=2))
# The last one comes after 14 hours.
TRIES_MAX = 15


class NotNeeded(Exception):
    """Nobody needs to hear this any more, or wants to; the text says why."""


class Impossible(Exception):
    """It can't be sent as things stand, and waiting doesn't help: a person must look; the text says why."""


class Send(Protocol):
    def __call__(self, entry: OutboxEntry) -> None:
        """Send it. Raises NotNeeded, Impossible, and as ``mini_program`` does Refused, Unknown, Unavailable."""


@dataclass(frozen=True)
class Sender:
    """How a kind is sent. ``is_repeatable``: twice does the same as once, so that one whose result is unknown is sent again."""

    send: Send
    is_repeatable: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a try."""

    state: OutboxState
    note: str = ""


def put(*, kind: str, subject_id: int, tenant_id: int, shop_id: int, now: datetime) -> None:
    """Write down what is to be sent, within the transaction of the change; the same kind and subject again is the same row."""
    entry = OutboxEntry(kind=kind, subject_id=subject_id, tenant_id=tenant_id, shop_id=shop_id, created_at=now, next_try_at=now)
    OutboxEntry.objects.bulk_create([entry], ignore_conflicts=True)


def put_again(*, kind: str, subject_id: int, tenant_id: int, shop_id: int, now: datetime) -> None:
    """As ``put``; what was sent or given up of the same kind and subject waits once more, for there is news of it."""
    entry = OutboxEntry(kind=kind, subject_id=subject_id, tenant_id=tenant_id, shop_id=shop_id, created_at=now, next_try_at=now)
    renewed = ("state", "attempts", "note", "created_at", "next_try_at", "sent_at")
    OutboxEntry.objects.bulk_create([entry], update_conflicts=True, unique_fields=["kind", "subject_id"], update_fields=renewed)


def send_due(*, senders: Mapping[str, Sender], now: datetime, limit: int = 100) -> jobs.Done:
    """Send what waits, each kind by its own of ``senders``; returns how many were dealt with. Safe to run twice at once."""
    waiting = OutboxEntry.objects.due(now).filter(kind__in=senders).select_related("tenant").order_by("next_try_at", "pk")
    return jobs.each(waiting[:limit], lambda entry: deliver(entry, senders[entry.kind], now=now))


def deliver(entry: OutboxEntry, sender: Sender, *, now: datetime) -> bool:
    was_lost = entry.state == OutboxState.SENDING
    if not jobs.claim(entry, "state", "attempts", state=OutboxState.SENDING, attempts=entry.attempts + 1, next_try_at=now + LEASE):
        return False
    result = after_loss(entry, sender) if was_lost else None
    finish(entry, result or attempt(entry, sender), now=now)
    return True


def after_loss(entry: OutboxEntry, sender: Sender) -> Result | None:
    """What becomes of a row whose worker died over it; None: it may be tried again."""
    if sender.is_repeatable and entry.attempts <= TRIES_MAX:
        return None
    return Result(OutboxState.GIVEN_UP, _("发送中断，结果不明"))


def attempt(entry: OutboxEntry, sender: Sender) -> Result:
    if not mini_program.is_real():
        return Result(OutboxState.DROPPED, _("未接入微信小程序"))
    try:
        sender.send(entry)
    except NotNeeded as reason:
        return Result(OutboxState.DROPPED, str(reason))
    except Impossible as reason:
        return Result(OutboxState.GIVEN_UP, str(reason))
    except mini_program.Refused as refused:
        return Result(OutboxState.GIVEN_UP, _("微信拒绝：errcode %(errcode)s") % {"errcode": refused.errcode})
    except Unavailable as error:
        if isinstance(error, mini_program.Unknown) and not sender.is_repeatable:
            return Result(OutboxState.GIVEN_UP, _("没有收到微信的回答，结果不明"))
        tired = entry.attempts >= TRIES_MAX
        return Result(OutboxState.GIVEN_UP if tired else OutboxState.WAITING, _("暂时无法连接微信"))
    return Result(OutboxState.SENT)


def finish(entry: OutboxEntry, result: Result, *, now: datetime) -> None:
    if result.state == OutboxState.GIVEN_UP:
        log.error("outbox entry %s (%s) was given up: a person must look", entry.pk, entry)
    OutboxEntry.objects.filter(pk=entry.pk, state=OutboxState.SENDING, attempts=entry.attempts).update(
        state=result.state,
        note=result.note[:200],
        next_try_at=now + BACKOFF.after(entry.attempts - 1) if result.state == OutboxState.WAITING else None,
        sent_at=now if result.state == OutboxState.SENT else None,
    )


@transaction.atomic
def send_again(*, entry_ids: Iterable[int], principal: Principal, now: datetime) -> int:
    """Let what was given up wait for the job once more, all or none; returns how many. Raises Forbidden, NotThere, Refusal."""
    principal.must(Right.SEND_AGAIN)
    ids = set(entry_ids)
    visible = OutboxEntry.objects.visible_to(principal).filter(pk__in=ids)
    if visible.count() != len(ids):
        raise NotThere
    waiting = visible.given_up().update(state=OutboxState.WAITING, attempts=0, note="", next_try_at=now)
    if waiting != len(ids):
        raise Refusal(_("只有“需人工处理”的条目可以重新发送"))
    return waiting
