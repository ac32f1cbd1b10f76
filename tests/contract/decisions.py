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
