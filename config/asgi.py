"""The server's entry: granian, ``--interface asginl`` (``config/serving/server.py``)."""

import resource

# First: it sets Django up, and refuses a start that could cost somebody money or data.
import config.wsgi
from config.serving.front import Front

# Each connection is a file.
OPEN_FILES = 65_536

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(OPEN_FILES, hard)), hard))
application = Front(config.wsgi.application)
