"""One task a job of ``config.schedule``, of the same name; the schedule is the table's."""

from django.utils import timezone

from config import schedule, start
from config.celery import app

# Before anything else, and in ``config.wsgi`` too: not only `manage.py` refuses a start that could cost somebody money or data.
start.refuse_unsafe()


def register(name: str, seconds: int) -> None:
    """The job ``name`` every ``seconds``. A tick that is still queued when the next one comes is dropped: they can't pile up."""

    def run() -> None:
        schedule.run(name, now=timezone.now())

    app.task(name=name, expires=seconds)(run)
    # RabbitMQ drops a message after its ``expiration`` by itself; on Redis the next worker does, by ``expires``.
    app.conf.beat_schedule[name] = {"task": name, "schedule": seconds, "options": {"expiration": seconds}}


for name, (_service, seconds) in schedule.JOBS.items():
    register(name, seconds)
