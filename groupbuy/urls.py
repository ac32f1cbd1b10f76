from django.urls import include, path
from rest_framework.routers import SimpleRouter

from groupbuy import api

router = SimpleRouter(trailing_slash=False)
router.register("api/marketing/groupbuy", api.GroupBuyingViewSet, basename="group-buying")
router.register("api/marketing/groupbuy", api.OrderViewSet, basename="order")

urlpatterns = [path("", include(router.urls))]
