"""The demo's shops and what stands in them: stalls, tills and scales, licences, their own settings."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from random import Random

from config.demo import pictures
from retail.models import Tenant
from shops.models import ConfigItem, ConfigValue, Device, DeviceType, Licence, Shop, Stall


@dataclass(frozen=True)
class Place:
    """A shop: ``lbs_point`` in GCJ-02, ``area`` in m², ``contract_days`` from today to the end of its licence (None: unlimited)."""

    code: str
    name: str
    address: str
    lbs_point: str
    area: int
    markup: str
    contract_days: int | None
    picture: str


DEMO_PLACES = (
    Place("SH01", "田林店", "上海市徐汇区田林路 388 号", "121.418312,31.173526", 260, "0.300", 365, "fruit-basket"),
    Place("SH02", "大宁店", "上海市静安区大宁路 667 号", "121.455760,31.278641", 320, "0.320", None, "vegetable-basket"),
    Place("SH03", "五角场店", "上海市杨浦区政通路 189 号", "121.513877,31.301064", 280, "0.280", 180, "greens-basket"),
    Place("SH04", "古北店", "上海市长宁区黄金城道 555 号", "121.399284,31.195307", 420, "0.450", 20, "fruit-basket"),
    Place("SH05", "曹杨店", "上海市普陀区兰溪路 141 号", "121.408092,31.240118", 180, "0.260", -3, "root-basket"),
    Place("SH06", "花木店", "上海市浦东新区梅花路 1099 号", "121.545538,31.209472", 240, "0.300", 400, "vegetable-basket"),
    Place("SH07", "联洋店", "上海市浦东新区芳甸路 300 号", "121.553046,31.226031", 360, "0.400", 300, "mushroom-basket"),
    Place("SH08", "莘庄店", "上海市闵行区莘松路 380 号", "121.370155,31.112390", 300, "0.270", 90, "greens-basket"),
    Place("SH09", "七宝店", "上海市闵行区七莘路 3755 号", "121.350221,31.156074", 210, "0.280", None, "fruit-basket"),
    Place("SH10", "金桥店", "上海市浦东新区碧云路 633 号", "121.588403,31.248157", 380, "0.380", 210, "vegetable-basket"),
    Place("SH11", "九亭店", "上海市松江区九亭大街 618 号", "121.320096,31.133218", 200, "0.240", 45, "greens-basket"),
    # Over and out of its days of grace: what a refused till looks like.
    Place("SH12", "南桥店", "上海市奉贤区人民中路 258 号", "121.458339,30.917402", 190, "0.220", -60, "root-basket"),
)
OTHER_PLACES = (
    Place("HZ01", "文三店", "杭州市西湖区文三路 478 号", "120.126640,30.279813", 220, "0.300", 365, "fruit-basket"),
    Place("HZ02", "滨江店", "杭州市滨江区江南大道 588 号", "120.210574,30.208455", 300, "0.350", None, "vegetable-basket"),
    Place("HZ03", "城西店", "杭州市余杭区文一西路 998 号", "120.003817,30.281726", 260, "0.280", 120, "greens-basket"),
)
OPENS_AT, CLOSES_AT = time(8), time(21)
STALLS = (("fruit", "水果摊"), ("vegetable", "蔬菜摊"), ("mushroom", "菌菇特菜摊"))
TYPES = (("till", "收银机"), ("scale", "条码秤"))
# (code, type, stall)
DEVICES = (
    ("POS1", "till", None),
    ("POS2", "till", None),
    ("SCALE1", "scale", "fruit"),
    ("SCALE2", "scale", "vegetable"),
    ("SCALE3", "scale", "mushroom"),
)
# Have tills that can't sign.
BASIC_AUTH = ("SH01",)
TENANT_SETTINGS = {"receipt_footer": "坏果包赔，凭小票 48 小时内到店处理", "download_interval_seconds": "30"}
SHOP_SETTINGS = {
    "SH01": {"receipt_header": "青禾鲜铺 · 田林店", "label_format": "60x40"},
    "SH03": {"buyer_receives_pick_up": "true"},
    "SH04": {"receipt_copies": "2", "label_format": "60x80", "rounding": "jiao"},
    "SH05": {"licence_grace_days": "15"},
}


def make_shops(*, tenant: Tenant, places: tuple[Place, ...], area_code: str, today: date, random: Random) -> list[Shop]:
    """The shops of ``places``, whole: with stalls, devices and licences."""
    shops = Shop.objects.bulk_create(
        Shop(
            tenant=tenant,
            code=place.code,
            name=place.name,
            address=place.address,
            lbs_point=place.lbs_point,
            area=Decimal(place.area),
            opens_at=OPENS_AT,
            closes_at=CLOSES_AT,
            phone=f"{area_code}-555001{number:02d}",
            image=pictures.stored(f"{place.picture}.webp"),
            markup=Decimal(place.markup),
            allows_basic_auth=place.code in BASIC_AUTH,
        )
        for number, place in enumerate(places, start=1)
    )
    Licence.objects.bulk_create(licence_of(shop, place, today) for shop, place in zip(shops, places, strict=True))
    make_devices(shops=shops, random=random)
    return shops


def licence_of(shop: Shop, place: Place, today: date) -> Licence:
    """The first shop's licence stays unbound, so that a visitor's till can activate itself."""
    ends_on = None if place.contract_days is None else today + timedelta(days=place.contract_days)
    return Licence(shop=shop, contract_ends_on=ends_on, validity_key="" if place.code.endswith("01") else f"XT-{place.code}-POS1")


def make_devices(*, shops: list[Shop], random: Random) -> None:
    types = {code: DeviceType.objects.get_or_create(code=code, defaults={"name": name})[0] for code, name in TYPES}
    stalls = Stall.objects.bulk_create(Stall(shop=shop, code=code, name=name) for shop in shops for code, name in STALLS)
    stall_of = {(stall.shop_id, stall.code): stall for stall in stalls}
    Device.objects.bulk_create(
        Device(
            shop=shop,
            stall=stall_of.get((shop.pk, stall)) if stall else None,
            device_type=types[kind],
            code=code,
            ip=f"192.168.{10 + number}.{21 + place}",
            # 02 begins the addresses that no manufacturer has.
            mac=":".join(["02", *(f"{random.randrange(256):02X}" for _ in range(5))]),
        )
        for number, shop in enumerate(shops, start=1)
        for place, (code, kind, stall) in enumerate(DEVICES)
    )


def acknowledge_prices(shops: list[Shop]) -> None:
    """The devices have loaded the prices of their shops; the second scale is behind, and the third still has to load everything."""
    for shop in shops:
        shop.refresh_from_db(fields=["price_version"])
        Device.objects.filter(shop=shop, code__in=("POS1", "POS2", "SCALE1")).update(time_stamp=shop.price_version)
        Device.objects.filter(shop=shop, code="SCALE2").update(time_stamp=max(0, shop.price_version - 40))


def make_settings(*, tenant: Tenant, shops: list[Shop]) -> None:
    """What the chain and some of its shops have set otherwise than the defaults."""
    items = {item.code: item for item in ConfigItem.objects.all()}
    values = [ConfigValue(item=items[code], tenant=tenant, value=value) for code, value in TENANT_SETTINGS.items()]
    for shop in shops:
        own = SHOP_SETTINGS.get(shop.code, {})
        values += [ConfigValue(item=items[code], tenant=tenant, shop=shop, value=value) for code, value in own.items()]
    ConfigValue.objects.bulk_create(values)
