from django.urls import include, path
from rest_framework.routers import SimpleRouter

from retail import api, views

router = SimpleRouter(trailing_slash=False)
router.register("api/auth", api.AuthViewSet, basename="auth")

urlpatterns = [
    path("", include(router.urls)),
    path("healthz/live", views.live, name="live"),
    path("healthz/ready", views.ready, name="ready"),
]
