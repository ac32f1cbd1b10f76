"""A fake WeChat for tests and integrators: WeChat Pay v3 and the mini-program's server calls, on this machine only.

It imports nothing of this project, speaks the protocol over HTTP with its own keys, and breaks it on demand.
"""

from groupbuy.fake_wechat.faults import FAULTS
from groupbuy.fake_wechat.keys import Merchant, load_or_make, make_merchant
from groupbuy.fake_wechat.server import FakeWeChat

__all__ = ["FAULTS", "FakeWeChat", "Merchant", "load_or_make", "make_merchant"]
