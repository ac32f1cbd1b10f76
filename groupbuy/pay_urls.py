from django.urls import path

from groupbuy import notify

urlpatterns = [
    path("api/pay/wechat/notify", notify.notify, name="wechat-notify"),
    path("api/pay/wechat/refundnotify", notify.notify, name="wechat-refund-notify"),
]
