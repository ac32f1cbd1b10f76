"""WeChat Pay v3 over the library wechatpayv3, with a merchant's own keys and WeChat's public key (no platform certificates).

What the library leaves to its caller is done here: the age of a notification, answers that are not answers, time.
"""

from groupbuy.payments.gateways.wechat.client import Merchant
from groupbuy.payments.gateways.wechat.gateway import WeChatGateway

__all__ = ["Merchant", "WeChatGateway"]
