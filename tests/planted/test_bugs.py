"""The list of bugs keeps up with the code: a guard that moved is no longer planted, and nobody would notice."""

import pytest

from tests.planted import ROOT, Bug, bugs


@pytest.mark.parametrize("bug", bugs(), ids=lambda bug: bug.promise)
def test_a_bug_has_its_guard_and_its_tests(bug: Bug) -> None:
    assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.guard) == 1
    assert bug.instead != bug.guard
    for test in bug.tests:
        file, _, name = test.partition("::")
        function = name.partition("[")[0]
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8") if name else (ROOT / file).is_file()
