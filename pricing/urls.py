from django.urls import include, path
from rest_framework.routers import SimpleRouter

from pricing import api

router = SimpleRouter(trailing_slash=False)
router.register("api/shop/shopproduct", api.ShopProductViewSet, basename="shopproduct")

urlpatterns = [path("", include(router.urls))]
