"""How the pages write times, prices, codes and drawings."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from groupbuy.templatetags import storefront

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=SHANGHAI)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-22 11:59:30", "刚刚"),
        ("2026-11-22 12:00:30", "刚刚"),
        ("2026-11-22 11:58:00", "2 分钟前"),
        ("2026-11-22 09:30:00", "2 小时前"),
        ("2026-11-21 23:00:00", "昨天"),
        ("2026-11-20 12:00:00", "11-20"),
        ("2025-12-31 12:00:00", "2025-12-31"),
    ],
)
def test_how_long_ago(moment, words):
    assert storefront.ago(at(moment), NOON) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-22 20:00", "今天 20:00"),
        ("2026-11-23 00:10", "明天 00:10"),
        ("2026-11-21 23:50", "昨天 23:50"),
        ("2026-11-24 18:00", "11月24日 周二 18:00"),
    ],
)
def test_when(moment, words):
    assert storefront.when(at(moment), NOON) == words


def test_the_day_is_the_one_in_shanghai():
    late = datetime(2026, 11, 22, 17, 0, tzinfo=ZoneInfo("UTC"))
    assert storefront.when(late, NOON) == "明天 01:00"


def test_a_price_is_large_in_its_yuan():
    assert storefront.price(Decimal("23.30")) == '<span class="price"><small>¥</small>23<small>.30</small></span>'


def test_a_code_is_read_out_in_halves():
    assert storefront.spaced("12345678") == "1234 5678"


def test_a_qr_code_scales_and_has_a_name_and_no_style():
    drawn = storefront.qr('12"345', 'a"b')
    assert drawn.startswith('<span role="img" aria-label="a&quot;b"><svg viewBox=')
    assert "style" not in drawn
    assert "width=" not in drawn
