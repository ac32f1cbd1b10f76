"""How the buyer pages write money, moments, icons and QR codes."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from groupbuy.models import OrderEvent
from groupbuy.orders.pick_up_dates import Dates
from groupbuy.storefront import purchases
from groupbuy.storefront.qr_codes import qr_drawing
from retail import dates
from retail.wire.masking import mask_name
from shops import positions

register = template.Library()
MINUTE, HOUR, DAY = 60, 3600, 86_400


@register.filter
def yuan(amount: Decimal) -> str:
    return f"¥{amount:.2f}"


@register.simple_tag
def price(amount: Decimal) -> SafeString:
    """Small sign, large yuan, small cents."""
    whole, cents = f"{amount:.2f}".split(".")
    return format_html('<span class="price"><small>¥</small>{}<small>.{}</small></span>', whole, cents)


@register.simple_tag
def price_big(amount: Decimal) -> SafeString:
    return format_html('<span class="big">{}</span>', price(amount))


@register.filter
def tone(sequence: int) -> int:
    """One of six colours for a face, always the same for an order."""
    return sequence % 6


@register.simple_tag
def epoch(moment: datetime) -> int:
    """Milliseconds, as browsers count."""
    return int(moment.timestamp() * 1000)


@register.filter
def ago(moment: datetime, now: datetime) -> str:
    """``2 分钟前``, ``昨天``, ``11-20``."""
    seconds = (now - moment).total_seconds()
    if seconds < MINUTE:
        return _("刚刚")
    if seconds < HOUR:
        return _("%(n)d 分钟前") % {"n": seconds // MINUTE}
    day, today = timezone.localdate(moment), timezone.localdate(now)
    if day == today:
        return _("%(n)d 小时前") % {"n": seconds // HOUR}
    if day == today - timedelta(days=1):
        return _("昨天")
    return f"{day:%m-%d}" if day.year == today.year else f"{day:%Y-%m-%d}"


@register.filter
def when(moment: datetime, now: datetime) -> str:
    """``今天 20:00``, ``11月24日 周二 20:00``."""
    local = timezone.localtime(moment)
    return f"{dates.day_in_words(local.date(), timezone.localdate(now))} {local:%H:%M}"


@register.filter
def told(promised: Dates, now: datetime) -> str:
    """``明天 16:00–20:00``, ``12月2日 周三 发货``; "" when nobody has said."""
    return promised.in_words(timezone.localdate(now))


@register.filter
def day(on: date, now: datetime) -> str:
    """``明天``, ``12月1日 周二``."""
    return dates.day_in_words(on, timezone.localdate(now))


@register.simple_tag
def map_link(point: str, title: str, address: str) -> str:
    """Where the map opens; "" without a position."""
    return positions.map_link(point, title=title, address=address)


@register.filter
def weekdays(digits: str) -> str:
    """``周一、周日``."""
    return "、".join(str(dates.WEEKDAYS[int(digit) - 1]) for digit in digits)


@register.filter
def masked(name: str) -> str:
    return mask_name(name)


@register.filter
def spaced(code: str) -> str:
    """A pick-up code in two halves, to be read out."""
    return f"{code[:4]} {code[4:]}"


@register.simple_tag
def icon(name: str) -> SafeString:
    """Decoration: the text beside it says the same."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("storefront/icons.svg"), name)


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    return format_html('<span role="img" aria-label="{}">{}</span>', label, mark_safe(qr_drawing(text)))  # noqa: S308


@register.inclusion_tag("storefront/_countdown.html")
def countdown(until: datetime, now: datetime, *, brief: bool = False) -> dict[str, Any]:
    """Runs in the browser on the server's clock; without script it stands. ``brief`` leaves out hours that are none."""
    left = max(0, int((until - now).total_seconds()))
    return {
        "until": epoch(until),
        "brief": brief,
        "long": left >= HOUR,
        "days": left // DAY,
        "hours": f"{left % DAY // HOUR:02}",
        "minutes": f"{left % HOUR // MINUTE:02}",
        "seconds": f"{left % MINUTE:02}",
    }


@register.simple_tag
def event_words(event: OrderEvent, *, is_express: bool) -> str:
    return str(purchases.words_of(event, is_express=is_express))
