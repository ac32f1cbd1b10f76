"""What is measured: each row one kind of work, who asks for it, and the goal that its issue sets."""

from dataclasses import dataclass

GROUP = "/api/marketing/groupbuy/"
SHOP = "/api/shop/"


@dataclass(frozen=True)
class Row:
    """``path`` names facts of the large world; ``who``: whose token is sent, "" for nobody's; ``goal``: at least so much of Y."""

    work: str
    path: str
    who: str
    goal: float


ROWS = (
    Row("groupbuy/get, 100 orders", GROUP + "get?id={few}", "", 0.15),
    Row("groupbuy/get, 100,000 orders", GROUP + "get?id={many}", "", 0.15),
    Row("groupbuy/get as a buyer, 100,000 orders", GROUP + "get?id={many}", "buyer", 0.12),
    Row("the buyers' page of it", "/g/{many}/", "", 0.20),
    Row("its poll, unchanged", "/g/{many}/news/?seen={seen}", "", 0.50),
    Row("shopproduct/getbyproductid", SHOP + "shopproduct/getbyproductid?productId={product}&shopId={shop}", "buyer", 0.25),
    Row("shopproduct/getlist, one shop", SHOP + "shopproduct/getlist?shopId={shop}", "buyer", 0.10),
    Row("shopproduct/getlist, one shop, keyword", SHOP + "shopproduct/getlist?shopId={shop}&keyword=%E8%8B%B9%E6%9E%9C1", "buyer", 0.10),
    Row("shopproduct/getlist of the chain, page 1", SHOP + "shopproduct/getlist", "headquarters", 0.05),
    Row("shopproduct/getlist of the chain, a late page", SHOP + "shopproduct/getlist?pageIndex={last_page}", "headquarters", 0.0),
    Row("getstockproductlist of the chain, with totals", SHOP + "shopproduct/getstockproductlist", "headquarters", 0.0),
    Row("getorderlist of headquarters", GROUP + "getorderlist", "headquarters", 0.05),
    Row("getorderlist of headquarters, keyword", GROUP + "getorderlist?keyword=%E8%8B%B9%E6%9E%9C", "headquarters", 0.0),
    Row("getorderlist of a buyer", GROUP + "getorderlist", "buyer", 0.15),
    Row("shop/getlist", SHOP + "getlist", "headquarters", 0.15),
    Row("shop/get with its products", SHOP + "get?id={shop}", "headquarters", 0.02),
)
