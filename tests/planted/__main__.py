"""Take each guard of ``bugs.toml`` away, in a copy of the project, and see that its tests fail: ``make planted-bugs``."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.planted import ROOT, Bug, bugs

LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", ".env", "__pycache__", ".*_cache", "var", "media")
PASSED, FAILED = 0, 1


def main(words: list[str]) -> str | None:
    """Plant the bugs whose promise has one of ``words`` in it (none: all). Returns what is wrong."""
    database = "postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite"
    chosen = [one for one in bugs() if one.only_on in ("", database) and (not words or any(word in one.promise for word in words))]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder, "xiantuan")
        shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
        if run(copy, sorted({test for one in chosen for test in one.tests})) != PASSED:
            return "Without any bug the tests don't pass, or there are none: nothing can be told."
        unseen = [one.promise for one in chosen if not is_seen(copy, one)]
    say(f"{len(chosen) - len(unseen)} of {len(chosen)} bugs were seen on {database}")
    return f"Not seen: {'; '.join(unseen)}" if unseen else None


def is_seen(copy: Path, one: Bug) -> bool:
    file = copy / one.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace(one.guard, one.instead), encoding="utf-8")
    seen = run(copy, [*one.tests, "-x"]) == FAILED
    file.write_text(whole, encoding="utf-8")
    say(f"{'seen    ' if seen else 'NOT SEEN'} {one.promise}")
    return seen


def run(copy: Path, arguments: list[str]) -> int:
    command = [sys.executable, "-B", "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=copy, stdout=subprocess.DEVNULL, check=False).returncode


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
