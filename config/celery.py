"""The background jobs as Celery tasks, for when one worker isn't enough: `celery -A config worker`, `celery -A config beat`.

Nothing else imports this, so that neither the server nor `manage.py work` needs Celery or a broker.
"""

import os
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not settings.CELERY_BROKER_URL:
    raise ImproperlyConfigured("CELERY_BROKER_URL is not set: without a broker, `manage.py work` runs the background jobs.")

app = Celery("xiantuan", broker=settings.CELERY_BROKER_URL, include=["config.tasks"])
app.conf.update(
    # Everything on the broker bears the installation's name, so that several can share one.
    task_default_queue=settings.CELERY_QUEUE,
    control_exchange=settings.CELERY_QUEUE,
    event_exchange=f"{settings.CELERY_QUEUE}.events",
    accept_content=["json"],
    task_ignore_result=True,
    # A tick is worth nothing once the next one is there: not kept on disk, not fetched before its turn, and acknowledged before
    # it is done, since a job whose worker dies is done by the next tick.
    task_default_delivery_mode="transient",
    worker_prefetch_multiplier=1,
    # Shorter than any lease that stands for "nobody else sends this" (``retail.outbox.LEASE``), longer than a run takes.
    task_time_limit=240,
    # For ever: what the shop sells doesn't depend on the broker, and it may be away for a night.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # In memory: no job is rarer than ten minutes, and the default one pickles its state into the working directory.
    beat_scheduler="celery.beat:Scheduler",
)
if settings.CELERY_BROKER_URL.startswith("redis"):
    app.conf.broker_transport_options = {"global_keyprefix": f"{settings.CELERY_QUEUE}:"}


def keep_logging(**_: Any) -> None:
    """Celery leaves the logs alone when somebody answers here: they are JSON, as the settings say."""


signals.setup_logging.connect(keep_logging)
