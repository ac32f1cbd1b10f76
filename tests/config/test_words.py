"""One vocabulary: words that were given up, because they say something untrue or say a thing twice, stand in no text for people."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("retail", "shops", "pricing", "groupbuy", "config")
# Each with the word instead.
GIVEN_UP = {
    "提货": "取货",
    "待收货": "待取货",
    "确认收货": "确认取货, 确认签收",
    "标记到店": "通知取货",
    "截团": "截单",
    "结束时间": "截单时间",
    "提前结束": "提前截单",
    "立即结束": "立即截单",
    "短缺": "缺货",
    "未支付": "待付款",
    "待支付": "待付款",
    "已过期": "超时已取消; on food it means spoiled",
    "已关闭": "已取消",
    "关闭订单": "取消订单",
    "待核对": "待核实收款",
    "概览": "工作台",
    "租户": "商家",
    "买家": "顾客",
    "购买人": "顾客",
    "沙箱": "演示",
    "价格版本": "价格更新序号",
}
# Buyers neither verify codes nor receive goods: they fetch or sign.
NOT_TO_BUYERS = {"核销": "取货", "收货": "取货, 签收"}
# file: the words that may stand in it, and why.
ALLOWED = {
    "groupbuy/models/orders.py": ({"未支付", "已过期", "已关闭"}, "the specification's statusName"),
    "groupbuy/api/views.py": ({"确认收货"}, "the specification's titles"),
    "groupbuy/fake_wechat/books.py": ({"未支付", "已关闭"}, "WeChat's own words"),
    "groupbuy/fake_wechat/pay_api.py": ({"已过期", "已关闭"}, "WeChat's own words"),
    "groupbuy/admin/payments.py": ({"已关闭"}, "WeChat's name of a refund's state"),
    "groupbuy/payments/verdict.py": ({"已过期"}, "of a credential"),
    "groupbuy/storefront/forms.py": ({"已过期"}, "of a page"),
    "templates/storefront/_sheet.html": ({"已过期"}, "of a page"),
    "retail/views.py": ({"已过期"}, "of a page"),
}
ADDRESSED = re.compile("收货(地址|人)")


def constants(text: str) -> Iterator[str]:
    """The strings of a module; its docstrings are English, so that they need no exception."""
    return (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def texts() -> dict[str, str]:
    """All that a file says to people, by the file's path."""
    python = {
        path: "\n".join(constants(path.read_text()))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    }
    plain = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static").rglob("*.js"), ROOT / "docs/roles.md", ROOT / "README.zh.md"]
    return {str(path.relative_to(ROOT)): text for path, text in (python | {path: path.read_text() for path in plain}).items()}


@pytest.mark.parametrize("word", GIVEN_UP)
def test_a_word_that_was_given_up_is_read_nowhere(word):
    said = {path for path, text in texts().items() if word in text}
    assert said == {path for path, (words, _why) in ALLOWED.items() if word in words}, f"say {GIVEN_UP[word]}"


@pytest.mark.parametrize("word", NOT_TO_BUYERS)
def test_a_word_of_the_staff_is_on_no_page_of_the_buyers(word):
    pages = {path: text for path, text in texts().items() if "storefront" in path}
    assert len(pages) > 20
    assert not {path for path, text in pages.items() if word in ADDRESSED.sub("", text)}, f"say {NOT_TO_BUYERS[word]}"


def test_the_words_are_looked_for_where_they_stand():
    assert "待取货" in texts()["groupbuy/models/stages.py"]
    assert "请输入" in texts()["templates/admin/groupbuy/verify.html"]
