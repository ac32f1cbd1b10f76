#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.core.management import execute_from_command_line

from retail.logs import json_lines

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with json_lines.belonging_to(run_id=json_lines.new_id(), command=" ".join(sys.argv[1:2])):
        execute_from_command_line(sys.argv)
