"""The other side of the counter, for tests that drive both gateways alike: the person, the bank, bad luck, and the bank's own books."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from groupbuy.fake_wechat import FakeWeChat
from groupbuy.fake_wechat.books import Refund
from groupbuy.models import SandboxRefund, SandboxTrade, TradeState
from groupbuy.payments import notifications, settling
from groupbuy.payments.gateways.sandbox import PAID_STATES, as_trade
from retail.money import ZERO, from_fen, to_cents
from tests.support.wechat import packed

# What breaks at once, with nothing decided by it: a time-out would only take longer.
FAULTS = ("lost", "reset", "status", "html", "no_signature", "wrong_types")


class SandboxBank:
    """The sandbox's own tables. It sends nothing by itself: whoever presses a button tells us."""

    name = "sandbox"

    def numbers(self) -> list[str]:
        return list(SandboxTrade.objects.order_by("pk").values_list("out_trade_no", flat=True))

    def pay(self, number: str, *, short: bool = False) -> None:
        """The person pays, also what we closed while the payment was under way; ``short``: a fen too little."""
        trade = SandboxTrade.objects.get(out_trade_no=number)
        if trade.state not in PAID_STATES:
            trade.state, trade.transaction_id = TradeState.SUCCESS, f"sbt{trade.pk}"
            trade.total -= Decimal("0.01") if short else 0
            trade.save()

    def fail(self, number: str) -> None:
        SandboxTrade.objects.filter(out_trade_no=number, state=TradeState.NOTPAY).update(state=TradeState.CLOSED)

    def tell(self, number: int, *, now: datetime) -> None:
        """The pay page says how the ``number``-th trade stands."""
        known = self.numbers()
        if known:
            trade = SandboxTrade.objects.get(out_trade_no=known[number % len(known)])
            settling.settle(as_trade(trade), source="sandbox", now=now)

    def tell_everything(self, *, now: datetime) -> None:
        for number in range(len(self.numbers())):
            self.tell(number, now=now)

    def finish_refunds(self, status: str) -> None:
        """They are finished when they are asked for."""

    def break_next(self, kind: str, path: str) -> None:
        """A table doesn't break."""

    def mend(self) -> None:
        """Nor is it mended."""

    def balance(self, number: str) -> tuple[Decimal, Decimal]:
        """Yuan received and given back under an out_trade_no."""
        trade = SandboxTrade.objects.get(out_trade_no=number)
        back = SandboxRefund.objects.filter(trade=trade).aggregate(sum=Sum("amount"))["sum"]
        return (trade.total if trade.state in PAID_STATES else ZERO), to_cents(back)


class WeChatBank:
    """The fake WeChat, asked over HTTP; its messages wait until they are told, in any order and any number of times."""

    name = "wechat"

    def __init__(self, fake: FakeWeChat) -> None:
        self.fake = fake
        fake.control("reset")
        fake.control("hold")

    def numbers(self) -> list[str]:
        return [number for _merchant, number in self.fake.books.trades]

    def pay(self, number: str, *, short: bool = False) -> None:
        trade = self.fake.books.any_trade(number)
        if trade.state in ("NOTPAY", "CLOSED"):
            self.fake.control("pay", number=number, total=trade.asked["amount"]["total"] - short, late=True)

    def fail(self, number: str) -> None:
        if self.fake.books.any_trade(number).state == "NOTPAY":
            self.fake.control("fail", number=number)

    def tell(self, number: int, *, now: datetime) -> None:
        """Deliver the ``number``-th message, whether it was delivered or not."""
        messages = self.fake.notifier.messages
        if messages:
            with self.clock_at(now):
                headers, body = packed(self.fake, messages[number % len(messages)].id)
            notifications.book_notification(headers=headers, body=body, now=now)

    def tell_everything(self, *, now: datetime) -> None:
        for number in range(len(self.fake.notifier.messages)):
            self.tell(number, now=now)

    @contextmanager
    def clock_at(self, now: datetime) -> Iterator[None]:
        """Messages are dated by the test's clock; requests go by the real one."""
        self.fake.books.skew = (now - timezone.now()).total_seconds()
        try:
            yield
        finally:
            self.fake.books.skew = 0

    def finish_refunds(self, status: str) -> None:
        """Everything that is under way, or that a person had to look at, ends as ``status``."""
        for refund in self.refunds():
            if refund.status != status:
                self.fake.control("finish_refund", number=refund.asked["out_refund_no"], status=status)

    def refunds(self) -> list[Refund]:
        """Those that may still end in another way."""
        known = (refund for trade in self.fake.books.trades.values() for refund in trade.refunds.values())
        return [refund for refund in known if refund.status in ("PROCESSING", "ABNORMAL")]

    def break_next(self, kind: str, path: str) -> None:
        self.fake.control("fault", kind=kind, path=path)

    def refuse_next_prepay(self) -> None:
        self.fake.control("fault", kind="status", path="jsapi", status=403, code="RULE_LIMIT")

    def mend(self) -> None:
        self.fake.faults.waiting.clear()

    def balance(self, number: str) -> tuple[Decimal, Decimal]:
        trade = self.fake.books.any_trade(number)
        back = sum(refund.asked["amount"]["refund"] for refund in trade.refunds.values() if refund.status == "SUCCESS")
        return from_fen(trade.received), from_fen(back)
