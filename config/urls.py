"""Every address of the installation; the apps' ``urls.py`` hold the paths themselves."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("", include("retail.urls")),
]

handler400 = "retail.views.bad_request"
handler403 = "retail.views.forbidden"
handler404 = "retail.views.not_found"
handler500 = "retail.views.server_error"
