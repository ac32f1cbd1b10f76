"""Rows for tests; every foreign key stays within one tenant."""

from datetime import timedelta
from decimal import Decimal

import factory
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from factory.django import DjangoModelFactory

from groupbuy.models import GroupBuying
from pricing.models import ChangeSource, PriceChange, PriceLog, ShopProduct, StockFigure
from retail.models import Product, ProductClass, Tenant, User, WeChatIdentity
from retail.principals import Principal, principal_of
from retail.rights import GROUP_NAMES, Role
from shops.models import Device, DeviceType, Licence, Shop, Stall


class TenantFactory(DjangoModelFactory):
    class Meta:
        model = Tenant

    code = factory.Sequence(lambda n: f"tenant-{n}")
    name = factory.Sequence(lambda n: f"鲜果连锁{n}")
    app_id = factory.Sequence(lambda n: f"wx-{n}")


class BuyerFactory(DjangoModelFactory):
    class Meta:
        model = User

    tenant = factory.SubFactory(TenantFactory)
    nickname = factory.Sequence(lambda n: f"买菜的小王{n}")
    phone = factory.Sequence(lambda n: f"138{n:08d}")


class IdentityFactory(DjangoModelFactory):
    class Meta:
        model = WeChatIdentity

    user = factory.SubFactory(BuyerFactory)
    app_id = factory.SelfAttribute("user.tenant.app_id")
    open_id = factory.Sequence(lambda n: f"openid-{n}")


class StaffFactory(DjangoModelFactory):
    """Staff of ``role``; assign shops with ``shops=[…]``."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    tenant = factory.SubFactory(TenantFactory)
    username = factory.Sequence(lambda n: f"staff-{n}")
    nickname = factory.Sequence(lambda n: f"员工{n}")
    is_staff = True
    password = factory.django.Password("demo-pass-2026")

    @factory.post_generation
    def role(self, create, role, **kwargs):
        self.groups.add(Group.objects.get(name=GROUP_NAMES[role or Role.CLERK]))

    @factory.post_generation
    def shops(self, create, shops, **kwargs):
        self.shops.add(*(shops or []))


class ProductClassFactory(DjangoModelFactory):
    class Meta:
        model = ProductClass

    tenant = factory.SubFactory(TenantFactory)
    code = factory.Sequence(lambda n: f"class-{n}")
    name = factory.Sequence(lambda n: f"水果{n}")


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product

    tenant = factory.SubFactory(TenantFactory)
    product_class = factory.SubFactory(ProductClassFactory, tenant=factory.SelfAttribute("..tenant"))
    code = factory.Sequence(lambda n: f"{n:06d}")
    name = factory.Sequence(lambda n: f"红富士苹果{n}")
    spec = "500g"
    price = Decimal("5.90")
    member_price = Decimal("5.50")


class ShopFactory(DjangoModelFactory):
    class Meta:
        model = Shop

    tenant = factory.SubFactory(TenantFactory)
    code = factory.Sequence(lambda n: f"shop-{n}")
    name = factory.Sequence(lambda n: f"田林店{n}")
    address = "上海市徐汇区田林路 388 号"


class LicenceFactory(DjangoModelFactory):
    class Meta:
        model = Licence

    shop = factory.SubFactory(ShopFactory)


class StallFactory(DjangoModelFactory):
    class Meta:
        model = Stall

    shop = factory.SubFactory(ShopFactory)
    code = factory.Sequence(lambda n: f"stall-{n}")
    name = "水果摊"


class DeviceTypeFactory(DjangoModelFactory):
    class Meta:
        model = DeviceType
        django_get_or_create = ("code",)

    code = "scale"
    name = "条码秤"


class DeviceFactory(DjangoModelFactory):
    class Meta:
        model = Device

    shop = factory.SubFactory(ShopFactory)
    device_type = factory.SubFactory(DeviceTypeFactory)
    code = factory.Sequence(lambda n: f"device-{n}")


class ShopProductFactory(DjangoModelFactory):
    class Meta:
        model = ShopProduct

    shop = factory.SubFactory(ShopFactory)
    product = factory.SubFactory(ProductFactory, tenant=factory.SelfAttribute("..shop.tenant"))
    price = Decimal("5.90")
    member_price = Decimal("5.50")


class StockFigureFactory(DjangoModelFactory):
    class Meta:
        model = StockFigure

    shop = factory.SubFactory(ShopFactory)
    product = factory.SubFactory(ProductFactory, tenant=factory.SelfAttribute("..shop.tenant"))
    qty = Decimal("12.500")
    cost_price = Decimal("3.20")
    last_price = Decimal("3.30")


class GroupBuyingFactory(DjangoModelFactory):
    """A running pick-up group buy of 100 units at 9.90."""

    class Meta:
        model = GroupBuying

    tenant = factory.SubFactory(TenantFactory)
    shop = factory.SubFactory(ShopFactory, tenant=factory.SelfAttribute("..tenant"))
    product = factory.SubFactory(ProductFactory, tenant=factory.SelfAttribute("..tenant"))
    creator = factory.SubFactory(StaffFactory, tenant=factory.SelfAttribute("..tenant"), role=Role.MANAGER)
    name = "周三鲜果团"
    spec = "5斤装"
    price = Decimal("9.90")
    quota = 100
    start_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    end_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))
    address = "上海市徐汇区田林路 388 号"
    phone = "021-64080000"


def principal(user: User) -> Principal:
    """What the services are told of ``user``; read afresh, as each request does."""
    return principal_of(User.objects.get(pk=user.pk))


def copy_of(row):
    """The row as the database holds it now."""
    return type(row)._default_manager.get(pk=row.pk)


def grant(user: User, permission: str) -> User:
    """``app.codename`` for one person, as an administrator gives it."""
    app_label, codename = permission.split(".")
    user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


def log_of(row: ShopProduct, *, user: User | None = None, old_price, new_price) -> PriceLog:
    """A change of ``row``'s price, in a batch of its own."""
    change = PriceChange.objects.create(tenant_id=row.shop.tenant_id, source=ChangeSource.CHANGE, user=user)
    return PriceLog.objects.create(
        change=change,
        shop_product=row,
        shop_id=row.shop_id,
        product_id=row.product_id,
        old_price=old_price,
        old_member_price=row.member_price,
        new_price=new_price,
        new_member_price=row.member_price,
        user=user,
    )


def device_of(shop: Shop) -> Principal:
    """A till or scale of ``shop``."""
    return Principal(Role.DEVICE, None, shop.tenant_id, frozenset({shop.pk}))
