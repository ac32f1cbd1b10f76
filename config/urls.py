"""Every address of the installation; the apps' ``urls.py`` hold the paths themselves."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import cache_control
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from retail.views import picture

# An uploaded picture never changes under its name.
media = cache_control(public=True, max_age=31_536_000, immutable=True)(picture)

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="config/api_docs.html"), name="docs"),
    path("", include("retail.urls")),
    path("", include("shops.urls")),
    path("", include("pricing.urls")),
    path("", include("groupbuy.api.urls")),
    path("", include("groupbuy.storefront.urls")),
    path("media/<path:path>", media, name="media"),
]

handler400 = "retail.views.bad_request"
handler403 = "retail.views.forbidden"
handler404 = "retail.views.not_found"
handler500 = "retail.views.server_error"
