"""What staff are told of how much goods a group buy sells: 份 in the unit of the product and in boxes, and prices that look mistaken."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from groupbuy.models import GroupBuying
from groupbuy.models.content import boxes, shown, told_by
from retail.backoffice import ScopedForm, caller
from retail.rights import Right

# On these it depends whether a price looks mistaken.
COMPARED = {"price", "content", "product", "shop"}
FAR = Decimal("0.5")


def check(form: ScopedForm, cleaned: dict[str, Any]) -> None:
    """Fill an empty content in from the spec, or ask for it. Group buys from before there was one keep none until somebody types it."""
    amount = cleaned.get("content")
    if amount is not None and amount <= 0:
        form.add_error("content", _("每份含量须大于 0"))
    if amount is not None or "content" in form.errors or (form.instance.pk and "content" not in form.changed_data):
        return
    product = cleaned.get("product") or (form.instance.product if form.instance.product_id else None)
    if product is None:
        return
    cleaned["content"] = told_by(cleaned.get("spec") or product.spec, product.unit)
    if cleaned["content"] is None:
        form.add_error("content", _("从规格看不出每份有多少%(unit)s，请填写数字，如 3") % {"unit": product.unit})


def in_words(group_buying: GroupBuying, units: int) -> str:
    """``900 斤 = 75 箱``, ``910 斤 = 75 箱余 10 斤``, ``900 斤`` of what has no boxes; "" without a content."""
    if not group_buying.content:
        return ""
    product = group_buying.product
    amount = group_buying.content * units
    words = f"{shown(amount)} {product.unit}"
    if not product.pack_size:
        return words
    whole, rest = boxes(amount, product.pack_size)
    if not rest:
        return _("%(amount)s = %(boxes)d 箱") % {"amount": words, "boxes": whole}
    left = {"amount": words, "boxes": whole, "rest": f"{shown(rest)} {product.unit}"}
    return _("%(amount)s = %(boxes)d 箱余 %(rest)s") % left


def warn(request: HttpRequest, group_buying: GroupBuying) -> None:
    """Say what looks mistaken, of a price that is saved all the same."""
    price, product = group_buying.price_per_unit, group_buying.product
    if price is None:
        return
    own = {"unit": product.unit, "price": price}
    cost = product.stock_figures.filter(shop=group_buying.shop).values_list("cost_price", flat=True).first()
    if cost and price < cost and caller(request).may(Right.SEE_COSTS):
        messages.warning(request, _("合每%(unit)s ¥%(price)s，低于成本 ¥%(cost)s") % (own | {"cost": cost}))
    usual = product.shop_products.live().filter(shop=group_buying.shop).values_list("price", flat=True).first()
    if usual and abs(price - usual) > usual * FAR:
        far = _("合每%(unit)s ¥%(price)s，与门店价 ¥%(usual)s 相差一半以上，请核对单价和每份含量")
        messages.warning(request, far % (own | {"usual": usual}))
