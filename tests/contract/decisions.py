"""What the project decided about documented names (``docs/api.md``)."""

from tests.contract.calls import GROUP, PRODUCT, SHOP
from tests.contract.specification import SHAPES

# Documented names that are never read: the server's own, by decision (docs/api.md).
IGNORED = {
    GROUP + "createorder": {"id"},
    GROUP + "visitgroupbuying": {"id"},
    GROUP + "orderpay": {"timeStamp", "id"},
    GROUP + "orderrepay": {"timeStamp", "id"},
    SHOP + "create": {"appKey", "appSecret", "shopProductPriceLogs", "tenantId", "id"},
    SHOP + "update": {"appKey", "appSecret", "shopProductPriceLogs", "tenantId"},
    PRODUCT + "addproduct": {"id"},
    PRODUCT + "addproductbyclass": {"id"},
    PRODUCT + "unifychangeprice": {"id"},
}
READ_OF_A_PRICE = {"id", "shopId", "productId", "price", "memberPrice", "sort"}
for name in ("changeprice", "changeprices"):
    IGNORED[PRODUCT + name] = set(SHAPES["ShopProduct"]) - READ_OF_A_PRICE
# Optional arguments of ours beside the documented ones of a list, each with a value that it takes and one that it refuses.
MOMENTS = ("2026-01-15 10:11:10", "2026-13-01")
AMOUNTS = ("10.00", "1e400")
IDS = ("24", "２４")
FILTERS: dict[str, dict[str, tuple[str, str]]] = {
    GROUP + "getorderlist": {
        **dict.fromkeys(("createdFrom", "createdTo", "paidFrom", "paidTo"), MOMENTS),
        **dict.fromkeys(("moneyFrom", "moneyTo"), AMOUNTS),
        **dict.fromkeys(("filterShopId", "filterGroupBuyingId"), IDS),
        "filterDeliverType": ("2", "3"),
        "ordering": ("-payTime", "phone"),
    },
    PRODUCT + "getlist": {**dict.fromkeys(("priceFrom", "priceTo"), AMOUNTS), "ordering": ("-memberPrice", "qty")},
    SHOP + "getlist": {
        **dict.fromkeys(("areaFrom", "areaTo"), AMOUNTS),
        **dict.fromkeys(("openedFrom", "openedTo"), MOMENTS),
        "ordering": ("-shopArea", "app_secret"),
    },
}
FILTERS[PRODUCT + "getstockproductlist"] = FILTERS[PRODUCT + "getlist"] | {"qtyBelow": ("5", "0")}
FILTERS[SHOP + "getalllist"] = FILTERS[SHOP + "getlist"]
# Optional arguments of ours by which one row may be asked for instead.
OTHER_NAMES: dict[str, set[str]] = {GROUP + "getorder": {"outTradeNo"}}
