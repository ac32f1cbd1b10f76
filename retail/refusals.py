"""What a service raises when the answer is no: neither HTTP nor DRF is known here, though each refusal says what it would be there."""

from http import HTTPStatus
from typing import TypeVar

from django.db.models import IntegerChoices, Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Row = TypeVar("Row", bound=Model)


class ResultStatus(IntegerChoices):
    """``docs/result-codes.md`` says what each asks of a client; 601–608 and 901–905 belong to till APIs and are never returned here."""

    SUCCESS = 200, _("成功")
    ERROR = 500, _("内部错误")
    CARD_UNUSABLE = 601, _("卡不可用")
    CARD_MISSING = 602, _("卡不存在")
    CARD_LOST = 603, _("卡挂失")
    CARD_VOID = 604, _("卡作废")
    CARD_BALANCE_LOW = 605, _("卡余额不足")
    CARD_CODE_TIMED_OUT = 606, _("卡付款码超时")
    POINTS_LOW = 607, _("积分不足")
    GIFT_UNUSABLE = 608, _("礼品不可用")
    PAID = 701, _("支付成功")
    PAY_FAILED = 702, _("支付确认失败")
    PAY_UNKNOWN = 703, _("支付状态未知")
    PAY_CODE_TIMED_OUT = 704, _("付款码超时")
    REPLAYED = 801, _("流水号重复")
    DAY_NOT_SETTLED = 901, _("未日结")
    DAY_SETTLING = 902, _("日结进行中")
    DAY_INTERRUPTED = 903, _("日结中断")
    DAY_SETTLED = 904, _("日结完成")
    DAY_AMOUNT_CHANGED = 905, _("日结金额发生变化")
    NOT_BUYABLE = 1001, _("无法购买")
    SOLD_OUT = 1002, _("已售罄")
    PAY_WINDOW_OVER = 1003, _("支付超时")


# Without the tills' own.
ANSWERED = [status for status in ResultStatus if not (600 < status < 700 or 900 < status < 1000)]


class Refusal(Exception):
    """A business "no": HTTP 200 with its documented result code. Subclasses name the fact."""

    status: int = ResultStatus.ERROR
    http_status = 200
    # For the log of 401 and 403, where the class's name doesn't say it.
    why = ""
    # Seconds; 0: waiting doesn't help.
    retry_after = 0
    message: str | Promise = _("当前状态不允许此操作")

    @property
    def is_business(self) -> bool:
        """A "no" that the documents provide for, rather than a wrong request."""
        return self.http_status == HTTPStatus.OK

    def __init__(self, message: str | Promise | None = None) -> None:
        self.message = message or self.message
        super().__init__(str(self.message))


class Invalid(Refusal):
    """Input that no state would accept."""

    http_status = 400
    message = _("请求内容有误")


class Forbidden(Refusal):
    """Not this caller's function."""

    http_status = 403
    message = _("没有权限")


class NotThere(Refusal):
    """Missing, or not the caller's: the two look the same."""

    http_status = 404
    message = _("不存在或无权查看")


class Unavailable(Refusal):
    """Something that we depend on is away; the state is unchanged."""

    http_status = 503
    retry_after = 1
    message = _("服务暂时不可用，请稍后再试")


def found(rows: QuerySet[Row], **which: object) -> Row:
    """The one of ``rows`` that is asked for. Raises NotThere: what is missing and what the caller may not see look the same."""
    row = rows.filter(**which).first()
    if row is None:
        raise NotThere
    return row
