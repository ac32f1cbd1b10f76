from django.urls import include, path
from rest_framework.routers import SimpleRouter

from shops import api

router = SimpleRouter(trailing_slash=False)
router.register("api/shop", api.ShopViewSet, basename="shop")

urlpatterns = [path("", include(router.urls))]
