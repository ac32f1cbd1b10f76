"""The legacy paths, and where WeChat tells of money."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from groupbuy.api import views, wechat_notify

router = SimpleRouter(trailing_slash=False)
router.register("api/marketing/groupbuy", views.GroupBuyingViewSet, basename="group-buying")
router.register("api/marketing/groupbuy", views.OrderViewSet, basename="order")

urlpatterns = [
    path("", include(router.urls)),
    path("api/pay/wechat/notify", wechat_notify.notify, name="wechat-notify"),
    path("api/pay/wechat/refundnotify", wechat_notify.notify, name="wechat-refund-notify"),
]
