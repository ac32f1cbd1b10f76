"""Whether SQLite's file can still be written, told without writing: a probe at each call would take a turn of the one writer."""

import os
from pathlib import Path


def why_unwritable(file: Path, *, least: int) -> str:
    """Empty while ``file`` and its folder, in which the journal stands, may be written and ``least`` bytes are free."""
    if not all(os.access(path, os.W_OK, effective_ids=True) for path in (file, file.parent)):
        return "database read-only"
    disk = os.statvfs(file)
    return "disk full" if disk.f_bavail * disk.f_frsize < least else ""
