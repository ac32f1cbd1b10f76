"""WSGI entry for granian or any other server."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# Not only `manage.py` refuses a start that could cost somebody money or data.
BaseCommand().check()
