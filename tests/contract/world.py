"""Two tenants with three shops between them and a row in every list, so that answers show every nested object.

Ids, names and times are fixed: the golden files show them. Every secret and personal text is a canary, found nowhere else.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from groupbuy.models import (
    GroupBuying,
    GroupBuyingImage,
    MerchantAccount,
    Order,
    OrderStatus,
    Share,
    ShareVisitor,
    Visitor,
    VisitTimes,
)
from pricing.models import ChangeSource, PriceChange, PriceLog, ShopProduct
from retail.models import AppSecret, Product, ProductClass, ProductImage, Tenant, User
from retail.rights import Role
from shops.models import ConfigItem, ConfigValue, Device, Shop
from tests.support import factories
from tests.support.clients import Api, ApiClient

# Above what the sequences of a test database reach.
FIRST_ID = 7_000_000
NOWHERE = 7_999_999


def local(text: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(text))


@dataclass(frozen=True)
class Bundle:
    """The ids of what belongs to one shop: what a call may be aimed at."""

    shop: int = NOWHERE
    spare_shop: int = NOWHERE
    machine_key: str = "no-such-machine"
    device: int = NOWHERE
    device_type: int = NOWHERE
    product_class: int = NOWHERE
    product: int = NOWHERE
    new_product: int = NOWHERE
    shop_product: int = NOWHERE
    other_shop_product: int = NOWHERE
    group_buying: int = NOWHERE
    share: int = NOWHERE
    buyer: int = NOWHERE
    template: str = "no-such-template"
    neighbours_order: int = NOWHERE
    orders: dict[OrderStatus, int] = field(default_factory=dict)

    def order(self, status: OrderStatus) -> int:
        return self.orders.get(status, NOWHERE)


MISSING = Bundle()


class Corner:
    """One shop with everything in it. ``number`` makes its ids and its canaries its own."""

    def __init__(self, number: int, tenant: Tenant) -> None:
        self.number, self.tenant, self.base = number, tenant, FIRST_ID + 1000 * number
        self.make_people()
        self.make_shop()
        self.make_goods()
        self.make_group_buying()
        self.make_orders()
        self.make_visits()

    def staff(self, offset: int, role: Role, nickname: str, **more) -> User:
        username = f"contract-{self.number}-{offset}"
        return factories.StaffFactory(
            id=self.base + offset, tenant=self.tenant, role=role, username=username, nickname=f"{nickname}{self.number}", **more
        )

    def make_people(self) -> None:
        n = self.number
        self.buyer = factories.BuyerFactory(
            id=self.base + 1, tenant=self.tenant, nickname=f"橙子姐姐{n}", phone=f"1390013900{n}", picture="https://thirdwx.qlogo.cn/1.png"
        )
        self.neighbour = factories.BuyerFactory(id=self.base + 2, tenant=self.tenant, nickname=f"老王{n}", phone=f"1390013910{n}")
        factories.IdentityFactory(user=self.buyer, open_id=f"oB7-buyer-open-id-{n}")
        factories.IdentityFactory(user=self.neighbour, open_id=f"oN9-neighbour-open-id-{n}")
        self.headquarters = self.staff(3, Role.HEADQUARTERS, "总部老陈", phone=f"1370013700{n}")
        self.secret_keeper = factories.grant(self.staff(4, Role.HEADQUARTERS, "总部密钥员"), "shops.see_secret")
        self.accountant = self.staff(5, Role.HEADQUARTERS, "调价小账房")
        factories.grant(self.headquarters, "pricing.delete_shopproduct")

    def make_shop(self) -> None:
        n, pk = self.number, self.base
        self.shop: Shop = factories.ShopFactory(
            id=pk + 1,
            tenant=self.tenant,
            code=f"S{n:03d}",
            name=f"田林店{n}",
            address=f"上海市徐汇区田林路 38{n} 号",
            lbs_point="121.4307,31.1734",
            area=Decimal("86.50"),
            image="shops/tianlin.jpg",
            app_key=f"ak_contract_key_{n}",
            app_secret=f"sk_contract_secret_{n}",
            previous_secret=f"sk_contract_previous_{n}",
            previous_secret_until=local("2099-01-01"),
            price_version=12,
        )
        self.spare_shop: Shop = factories.ShopFactory(
            id=pk + 2,
            tenant=self.tenant,
            code=f"S{n:03d}-spare",
            name=f"待关门店{n}",
            app_key=f"ak_spare_key_{n}",
            app_secret=f"sk_spare_{n}",
        )
        factories.LicenceFactory(id=pk + 1, shop=self.shop, validity_key=f"MK-4C4C4544-{n}", contract_ends_on=date(2099, 6, 30))
        self.manager = self.staff(6, Role.MANAGER, "店长阿强", shops=[self.shop])
        factories.grant(self.manager, "pricing.delete_shopproduct")
        self.clerk = self.staff(7, Role.CLERK, "店员小李", shops=[self.shop])
        stall = factories.StallFactory(id=pk + 1, shop=self.shop, code="A1", name="水果摊")
        self.device: Device = factories.DeviceFactory(
            id=pk + 1,
            shop=self.shop,
            stall=stall,
            device_type=factories.DeviceTypeFactory(id=FIRST_ID, code="contract-scale"),
            code=f"SCALE-{n}",
            ip=f"10.11.12.1{n}",
            mac=f"A4:11:22:33:44:5{n}",
            time_stamp=9,
        )
        self.set("receipt_footer", "欢迎再来")
        self.set("message_arrived", f"{self.template} thing1=商品")

    @property
    def template(self) -> str:
        """Of the messages of this shop."""
        return f"tpl-contract-{self.number}"

    def set(self, code: str, value: str) -> None:
        ConfigValue.objects.create(item=ConfigItem.objects.get(code=code), tenant=self.tenant, shop=self.shop, value=value)

    def make_goods(self) -> None:
        n, pk = self.number, self.base
        self.product_class: ProductClass = factories.ProductClassFactory(id=pk + 1, tenant=self.tenant, code=f"fruit-{n}", name="水果")
        self.product = self.make_product(1, "赣南脐橙", "10.00")
        second = self.make_product(2, "红富士苹果", "8.00")
        self.new_product = self.make_product(3, "皇冠梨", "6.00")
        self.row: ShopProduct = factories.ShopProductFactory(
            id=pk + 1, shop=self.shop, product=self.product, price=Decimal("9.90"), member_price=Decimal("9.50"), sort=3, version=11
        )
        self.second_row: ShopProduct = factories.ShopProductFactory(
            id=pk + 2, shop=self.shop, product=second, price=Decimal("7.90"), member_price=Decimal("7.50"), sort=4, version=12
        )
        factories.StockFigureFactory(
            id=pk + 1,
            shop=self.shop,
            product=self.product,
            qty=Decimal("24.500"),
            cost_price=Decimal(f"4.3{n}"),
            last_price=Decimal(f"4.6{n}"),
        )
        change = PriceChange.objects.create(id=pk + 1, tenant=self.tenant, source=ChangeSource.CHANGE, user=self.accountant)
        PriceLog.objects.create(
            id=pk + 1,
            change=change,
            shop_product=self.row,
            shop=self.shop,
            product=self.product,
            old_price=Decimal("9.60"),
            old_member_price=Decimal("9.20"),
            new_price=Decimal("9.90"),
            new_member_price=Decimal("9.50"),
            user=self.accountant,
            created_at=local("2026-01-14 08:30:00"),
        )

    def make_product(self, offset: int, name: str, price: str) -> Product:
        product = factories.ProductFactory(
            id=self.base + offset,
            tenant=self.tenant,
            product_class=self.product_class,
            code=f"{self.number}0000{offset}",
            name=name,
            price=Decimal(price),
            member_price=Decimal(price),
            pricing_type=1,
            pack_size=10,
        )
        ProductImage.objects.create(product=product, image=f"products/{offset}.jpg")
        return product

    def make_group_buying(self) -> None:
        self.group_buying: GroupBuying = factories.GroupBuyingFactory(
            id=self.base + 1,
            tenant=self.tenant,
            shop=self.shop,
            product=self.product,
            creator=self.manager,
            name=f"周三鲜橙团{self.number}",
            description="当天采摘，周三到店。",
            quota=100,
            taken=12,
            last_sequence=9,
            start_at=local("2026-01-15 08:00:00"),
            end_at=local("2099-12-30 22:00:00"),
            address=f"上海市徐汇区田林路 38{self.number} 号",
            lbs="121.4307,31.1734",
            created_at=local("2026-01-14 20:00:00"),
        )
        GroupBuyingImage.objects.create(group_buying=self.group_buying, image="groupbuys/chengzi.jpg")

    def make_orders(self) -> None:
        status = OrderStatus
        self.orders = {
            made.status: made
            for made in (
                self.make_order(1, self.buyer, status.UNPAID, paid_at=None),
                self.make_order(2, self.buyer, status.PAID, deliver_code=f"5273184{self.number}"),
                self.make_order(3, self.buyer, status.SHIPPED, deliver_type=2, lbs=""),
                self.make_order(4, self.buyer, status.COMPLETED, deliver_type=2, lbs=""),
                self.make_order(5, self.buyer, status.CLOSED, paid_at=None, holds_stock=False),
            )
        }
        self.neighbours_order = self.make_order(6, self.neighbour, status.PAID, deliver_code=f"6384295{self.number}")

    def make_order(self, offset: int, buyer: User, status: OrderStatus, **more) -> Order:
        n = self.number
        values = {
            "deliver_type": 1,
            "address": f"{offset}{n} 号楼 302 室",
            "lbs": f"121.90{offset}{n},31.90{offset}{n}",
            "phone": f"138001{offset}800{n}",
            "remark": f"请放 {offset}{n} 号柜",
            "paid_at": local(f"2026-01-15 10:1{offset}:0{n}"),
        }
        return Order.objects.create(
            id=self.base + offset,
            tenant=self.tenant,
            shop=self.shop,
            group_buying=self.group_buying,
            buyer=buyer,
            code=f"2601151010{n}{offset}4711",
            sequence=offset,
            buyer_sequence=offset,
            status=status,
            product_name="赣南脐橙",
            spec="5斤装",
            price=Decimal("9.90"),
            qty=2,
            money=Decimal("19.80"),
            created_at=local("2026-01-15 10:10:00"),
            pay_deadline_at=local("2099-01-15 10:25:00"),
            **values | more,
        )

    def make_visits(self) -> None:
        VisitTimes.objects.create(group_buying=self.group_buying, times=27)
        self.share = Share.objects.create(id=self.base + 1, group_buying=self.group_buying, user=self.buyer)
        for number, user in enumerate((self.buyer, self.neighbour)):
            seen = Visitor.objects.create(group_buying=self.group_buying, user=user, last_at=local(f"2026-01-15 09:0{number}:00"))
            ShareVisitor.objects.create(share=self.share, visitor=seen)

    @property
    def bundle(self) -> Bundle:
        return Bundle(
            shop=self.shop.pk,
            spare_shop=self.spare_shop.pk,
            machine_key=self.shop.licence.validity_key,
            device=self.device.pk,
            device_type=self.device.device_type_id,
            product_class=self.product_class.pk,
            product=self.product.pk,
            new_product=self.new_product.pk,
            shop_product=self.row.pk,
            other_shop_product=self.second_row.pk,
            group_buying=self.group_buying.pk,
            share=self.share.pk,
            buyer=self.buyer.pk,
            template=self.template,
            neighbours_order=self.neighbours_order.pk,
            orders={OrderStatus(status): order.pk for status, order in self.orders.items()},
        )


class World:
    """``ours`` and ``sibling`` are shops of one tenant, ``theirs`` is another's. ``clients`` by the letters of ``docs/api.md``:

    B2, M2, D2 belong to the sibling, B3, H3 to the other tenant; S is headquarters with the right to see secrets.
    """

    def __init__(self, api: Api) -> None:
        first = factories.TenantFactory(id=FIRST_ID + 1, code="contract", name="鲜果连锁", app_id="wx-contract")
        second = factories.TenantFactory(id=FIRST_ID + 2, code="contract-other", name="邻家连锁", app_id="wx-contract-other")
        self.corners = [Corner(1, first), Corner(2, first), Corner(3, second)]
        self.ours, self.sibling, self.theirs = (corner.bundle for corner in self.corners)
        for number, tenant in enumerate((first, second), start=1):
            self.make_merchant(number, tenant)
        ours, sibling, theirs = self.corners
        self.people: dict[str, User] = {
            "B": ours.buyer,
            "C": ours.clerk,
            "M": ours.manager,
            "H": ours.headquarters,
            "S": ours.secret_keeper,
            "B2": sibling.buyer,
            "M2": sibling.manager,
            "B3": theirs.buyer,
            "H3": theirs.headquarters,
        }
        self.clients: dict[str, ApiClient] = {letter: api.as_user(user) for letter, user in self.people.items()}
        self.clients |= {"A": api.anonymous, "D": api.as_device(ours.shop), "D2": api.as_device(sibling.shop)}

    def make_merchant(self, number: int, tenant: Tenant) -> None:
        AppSecret.objects.create(tenant=tenant, value=f"mini-program-secret-{number}")
        MerchantAccount.objects.create(
            tenant=tenant,
            mch_id=f"190000010{number}",
            cert_serial=f"SERIAL{number}",
            private_key=f"merchant-private-key-{number}",
            api_v3_key=f"merchant-api-v3-key-{number}",
            public_key_id=f"PUB_KEY_ID_{number}",
            public_key=f"merchant-public-key-{number}",
            in_use=False,
        )

    def home(self, letter: str) -> Bundle:
        """What belongs to the caller."""
        return {"2": self.sibling, "3": self.theirs}.get(letter[1:], self.ours)
