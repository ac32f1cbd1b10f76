"""The product's front over the bare project."""

from django.core.wsgi import get_wsgi_application

from config.serving.front import Front

application = Front(get_wsgi_application())
