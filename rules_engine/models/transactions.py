"""What the open transaction of a connection is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def is_a_tests(connection: Any) -> bool:
    """Tell whether only the blocks of a ``TestCase`` are open: to the code under test that is no transaction.

    Django makes the same distinction for ``atomic(durable=True)``.
    """
    blocks = connection.atomic_blocks
    return bool(blocks) and all(block._from_testcase for block in blocks)


def waits_for_commit(connection: Any, hook: Callable[..., Any]) -> bool:
    """Tell whether ``hook`` is registered to run at the commit of the open transaction.

    A savepoint that is rolled back takes its hooks along, so looking is right where a flag would not be. A TestCase
    keeps the hooks that ``captureOnCommitCallbacks`` has already run: they wait for nothing.
    """
    if is_a_tests(connection):
        return False
    return any(registered is hook for _, registered, *_ in connection.run_on_commit)
