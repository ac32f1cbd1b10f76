from django.urls import include, path
from rest_framework.routers import SimpleRouter

from pricing.api.shop_products import ShopProductViewSet
from pricing.api.shop_records import ShopRecordViewSet

router = SimpleRouter(trailing_slash=False)
router.register("api/shop/shopproduct", ShopProductViewSet, basename="shopproduct")
router.register("api/shop", ShopRecordViewSet, basename="shop-record")

urlpatterns = [path("", include(router.urls))]
