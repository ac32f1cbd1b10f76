"""What every process asks before it serves or works, however it was started: the server's entry, Celery's, ``serve`` and ``work``."""

from django.core.management.base import BaseCommand

# The checks that need a database: they run here and in ``check --deploy``, not with every command, for one of those mends what they find.
START = "start"


def refuse_unsafe() -> None:
    """Stop a start that could cost somebody money or data. Raises SystemCheckError, which says what to do; warnings are printed."""
    command = BaseCommand()
    command.check()
    command.check(tags=[START], include_deployment_checks=True)
