"""What an order's page tells besides its fields: what happened to it, and what its buyer was told."""

from django.utils.translation import gettext as _

from groupbuy.admin.outbox import STATES, label_of
from groupbuy.models import ActorKind, Order, OrderEvent, Stage
from groupbuy.models.stages import by_status, told_by
from groupbuy.notices import told
from retail.models import OutboxEntry, OutboxState

BADGES = {
    Stage.UNPAID: "warning",
    Stage.PAY_FAILED: "danger",
    Stage.TOO_LATE: "warning",
    Stage.HELD: "danger",
    Stage.GATHERING: "info",
    Stage.PAID: "info",
    Stage.CONFIRMED: "primary",
    Stage.ARRIVED: "primary",
    Stage.OVERDUE: "danger",
    Stage.SHIPPED: "primary",
    Stage.COLLECTED: "success",
    Stage.UNVERIFIED: "success",
    Stage.DELIVERED: "success",
    Stage.REFUNDING: "danger",
    Stage.REFUNDED: "danger",
    Stage.EXPIRED: "default",
    Stage.CLOSED: "default",
}


def timeline(order: Order) -> list[OrderEvent]:
    """Newest first, each with ``who``, ``word`` and ``badge``."""
    events = list(order.events.select_related("actor").order_by("-pk"))
    for event in events:
        name = event.actor.nickname if event.actor else ""
        event.who = f"{ActorKind(event.actor_kind).label} {name}".strip()  # type: ignore[attr-defined]
        event.word = told_by(event, is_express=order.is_express)  # type: ignore[attr-defined]
        event.badge = BADGES[by_status(event.to_status, is_express=order.is_express)]  # type: ignore[attr-defined]
    return events


def notices_of(order: Order) -> list[OutboxEntry]:
    """What was told about it, newest first, each with ``what`` and its ``badge`` (a state in words)."""
    entries = list(told.about(order).select_related("settled_by"))
    for entry in entries:
        entry.what = label_of(entry)  # type: ignore[attr-defined]
        entry.badge, entry.how = badge_of(entry)  # type: ignore[attr-defined]
    return entries


def badge_of(entry: OutboxEntry) -> tuple[str, str]:
    state = OutboxState(entry.state)
    if entry.settled_at:
        return "success", _("已电话告知")
    return ("danger", _("没通知到")) if told.is_unreached(entry) else (STATES[state], str(state.label))
