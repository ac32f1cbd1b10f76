"""``{status, message[, data]}`` and the documented result codes."""

from typing import Any

from django.db.models import IntegerChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

OK = 200


class ResultStatus(IntegerChoices):
    """``seeds/groupbuy.txt``; 601–608 and 901–905 belong to till APIs and are never returned here."""

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


def envelope(status: int, message: str) -> dict[str, Any]:
    return {"status": int(status), "message": message}


def ok(message: str = "", **body: Any) -> Response:
    """The answer of a command that was done; ``data=…`` where the document has one."""
    return Response(envelope(ResultStatus.SUCCESS, message or gettext("成功")) | body)
