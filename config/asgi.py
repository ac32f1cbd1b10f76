"""The server's entry: granian, ``--interface asginl`` (``config/serving/server.py``)."""

import resource

# First: it sets Django up, and refuses a start that could cost somebody money or data.
import config.wsgi
from config.serving import server
from config.serving.front import Front

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, server.open_files()), hard))
application = Front(config.wsgi.application)
