"""The rows of the demo's orders: written many at once, in the order in which they would have come."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from random import Random
from typing import Any

from django.utils import timezone

from config.demo.lives import Life
from groupbuy.models import DeliverType, EventKind, Order, OrderEvent, OrderStatus
from groupbuy.notices import messages

BATCH = 500
REMARKS = (
    "下班七点来取",
    "麻烦挑大一点的",
    "给老人吃，要软一点的",
    "谢谢老板",
    "放冷藏，晚点来",
    "请帮忙留好看的，送人",
    "邻居代取",
    "不要压坏，谢谢",
)
STREETS = (
    ("上海市徐汇区宜山路", "弄"),
    ("上海市闵行区沪闵路", "弄"),
    ("上海市浦东新区锦绣路", "弄"),
    ("上海市杨浦区国定路", "弄"),
    ("苏州市工业园区现代大道", "号"),
    ("杭州市拱墅区莫干山路", "号"),
    ("无锡市滨湖区太湖大道", "号"),
    ("嘉兴市南湖区中环南路", "号"),
)


@dataclass(frozen=True)
class Books:
    """Writes lives down, which come in the order of their beginnings."""

    lives: Sequence[Life]
    random: Random

    def write_orders(self) -> list[Order]:
        codes = [f"{number:08d}" for number in self.random.sample(range(10**8), 2 * len(self.lives))]
        sequences: Counter[tuple[int, ...]] = Counter()
        homes = {buyer_id: self.home() for buyer_id in sorted({life.buyer.pk for life in self.lives})}
        rows = []
        for life in self.lives:
            places = (life.group_buying.pk,), (life.group_buying.pk, life.buyer.pk)
            sequences.update(places)
            sequence, buyer_sequence = (sequences[place] for place in places)
            order = self.order(life, sequence, code=codes.pop(), deliver_code=codes.pop(), home=homes[life.buyer.pk])
            order.buyer_sequence = buyer_sequence
            rows.append(order)
        return Order.objects.bulk_create(rows, batch_size=BATCH)

    def order(self, life: Life, sequence: int, *, code: str, deliver_code: str, home: str) -> Order:
        group_buying = life.group_buying
        return Order(
            tenant_id=group_buying.tenant_id,
            shop_id=group_buying.shop_id,
            group_buying=group_buying,
            buyer=life.buyer,
            code=f"{timezone.localtime(life.created_at):%y%m%d%H%M%S}{code}",
            sequence=sequence,
            status=life.status,
            holds_stock=life.holds_stock,
            phone=life.buyer.phone,
            remark=self.random.choice(REMARKS) if self.random.random() < 0.12 else "",
            product_name=group_buying.product.name,
            spec=group_buying.spec,
            price=group_buying.price,
            qty=life.qty,
            money=life.money,
            created_at=life.created_at,
            pay_deadline_at=life.pay_deadline_at,
            paid_at=life.paid_at,
            shipped_at=life.time_of(OrderStatus.SHIPPED),
            completed_at=life.time_of(OrderStatus.COMPLETED),
            **self.delivery(life, deliver_code=deliver_code, home=home),
        )

    def delivery(self, life: Life, *, deliver_code: str, home: str) -> dict[str, Any]:
        group_buying = life.group_buying
        if group_buying.deliver_type == DeliverType.EXPRESS:
            way = {"recipient": life.buyer.nickname, "address": home, "carrier": life.carrier, "tracking_number": life.tracking_number}
        else:
            code = deliver_code if life.time_of(OrderStatus.PAID) else ""
            way = {"address": group_buying.address, "lbs": group_buying.lbs, "deliver_code": code, **self.hand_over(life)}
        return {"deliver_type": group_buying.deliver_type, **way}

    def hand_over(self, life: Life) -> dict[str, Any]:
        gone, own = life.hand_over, life.own_window
        return {
            "handed_over_at": gone and gone.moment,
            "handed_over_by": gone and gone.actor.user,
            "pick_up_from": own and own.start,
            "pick_up_until": own and own.end,
            "reminders": len(life.notes(EventKind.REMINDED)),
        }

    def home(self) -> str:
        street, kind = self.random.choice(STREETS)
        number, building, floor, room = (self.random.randint(*span) for span in ((20, 990), (1, 38), (1, 16), (1, 4)))
        return f"{street} {number} {kind} {building} 幢 {floor:d}{room:02d} 室"

    def write_timelines(self, orders: list[Order]) -> None:
        rows = [
            OrderEvent(
                order=order,
                kind=step.kind,
                from_status=step.before,
                to_status=step.after,
                actor_kind=step.actor.kind,
                actor=step.actor.user,
                reason=step.reason,
                created_at=step.moment,
            )
            for order, life in zip(orders, self.lives, strict=True)
            for step in life.steps
        ]
        # A stable sort: what happened to an order stays in its order.
        OrderEvent.objects.bulk_create(sorted(rows, key=attrgetter("created_at")), batch_size=BATCH)


def tell_of_arrivals(orders: Sequence[Order]) -> None:
    """What waits in the shops is told of by the worker, which reaches nobody: the demo has no mini-program."""
    for order in orders:
        if order.status == OrderStatus.SHIPPED and order.deliver_type == DeliverType.PICK_UP and order.shipped_at:
            messages.put(messages.Kind.ARRIVED, order, now=order.shipped_at)
