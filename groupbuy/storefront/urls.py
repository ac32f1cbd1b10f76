"""The buyer pages."""

from django.urls import path, register_converter

from groupbuy.storefront.views import bank, buying, shopping
from retail.wire.ids import IdConverter

register_converter(IdConverter, "id")
app_name = "storefront"
urlpatterns = [
    path("", shopping.Home.as_view(), name="home"),
    path("s/<id:pk>/", shopping.ShopPage.as_view(), name="shop"),
    path("g/<id:pk>/", shopping.GroupBuyingPage.as_view(), name="group_buying"),
    path("g/<id:pk>/news/", shopping.GroupBuyingNews.as_view(), name="group_buying_news"),
    path("g/<id:pk>/share/", shopping.SharePage.as_view(), name="share"),
    path("g/<id:pk>/share/<id:share>/code/", shopping.ShareCode.as_view(), name="share_code"),
    path("leave/", shopping.Leave.as_view(), name="leave"),
    path("orders/", buying.OrderList.as_view(), name="orders"),
    path("o/<str:code>/", buying.OrderPage.as_view(), name="order"),
    path("o/<str:code>/news/", buying.OrderNews.as_view(), name="order_news"),
    path("o/<str:code>/pay/", buying.Pay.as_view(), name="pay"),
    path("o/<str:code>/repay/", buying.PayAgain.as_view(), name="repay"),
    path("o/<str:code>/close/", buying.CloseOrder.as_view(), name="close"),
    path("o/<str:code>/receive/", buying.ReceiveOrder.as_view(), name="receive"),
    path("o/<str:code>/delete/", buying.DeleteOrder.as_view(), name="delete"),
    path("sandbox/pay/<str:prepay_id>/", bank.SandboxPay.as_view(), name="sandbox_pay"),
]
