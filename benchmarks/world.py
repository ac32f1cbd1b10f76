"""What the server under load holds: one shop, a group buy that never sells out, buyers with their tokens."""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import AuthToken  # noqa: E402

from groupbuy.models import GroupBuying  # noqa: E402
from retail.models import Product, ProductClass, Tenant, User  # noqa: E402
from shops.models import Shop  # noqa: E402


@transaction.atomic
def build(buyers: int) -> dict[str, object]:
    """Returns ``{groupBuyingId, tokens}``; every buyer may have three unpaid orders."""
    now = timezone.now()
    tenant = Tenant.objects.create(code="bench", name="压测连锁", app_id="wx-bench")
    shop = Shop.objects.create(tenant=tenant, code="001", name="田林店", address="田林路 388 号")
    fruit = ProductClass.objects.create(tenant=tenant, code="01", name="水果")
    apple = Product.objects.create(tenant=tenant, product_class=fruit, code="000001", name="红富士苹果", price="5.90", member_price="5.50")
    creator = User.objects.create(tenant=tenant, username="bench", nickname="店长", is_staff=True)
    hot = GroupBuying.objects.create(
        tenant=tenant,
        shop=shop,
        product=apple,
        name="红富士苹果团",
        price="5.00",
        quota=10_000_000,
        start_at=now - timedelta(hours=1),
        end_at=now + timedelta(days=1),
        address=shop.address,
        creator=creator,
    )
    people = User.objects.bulk_create(User(tenant=tenant, username=None, nickname=f"买家{n}", phone=f"138{n:08d}") for n in range(buyers))
    return {"groupBuyingId": hot.pk, "tokens": [AuthToken.objects.create(user=person)[1] for person in people]}


if __name__ == "__main__":
    json.dump(build(int(sys.argv[1])), sys.stdout)
    with connection.cursor() as cursor:
        # A database that has lived for a while has done this by itself.
        cursor.execute("ANALYZE")
