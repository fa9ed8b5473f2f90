"""Resolve host names within a time limit, which the system's resolver does not have."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from time import monotonic

from rules_engine.exceptions import OutboundFailed
from rules_engine.outbound.address import Address
from rules_engine.outbound.url import Target

Resolver = Callable[[str, int], Sequence[str]]
"""Takes host and port, returns IP addresses as texts; raises OSError if there are none."""


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the operating system finds, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Lookups:
    """The lookups under way in a process: at most ``limit``, since one that hangs cannot be stopped."""

    def __init__(self, limit: int = 64) -> None:
        self._slots = threading.BoundedSemaphore(limit)

    def addresses(self, target: Target, resolver: Resolver, seconds: float) -> list[Address]:
        """Return all addresses of the target, at least one; raises OutboundFailed."""
        if target.address is not None:
            return [target.address]
        try:
            texts = self._ask(target, resolver, seconds)
        # UnicodeError: a name that the system's own IDNA step does not take.
        except (OSError, UnicodeError) as error:
            if isinstance(error, OutboundFailed):
                raise
            raise _unresolved(target, "") from error
        try:
            found = [ip_address(text) for text in texts]
        except ValueError as error:
            raise _unresolved(target, " (the answer holds something that is not an address)") from error
        if not found:
            raise _unresolved(target, " (the answer is empty)")
        return found

    def _ask(self, target: Target, resolver: Resolver, seconds: float) -> Sequence[str]:
        deadline = monotonic() + seconds
        if not self._slots.acquire(timeout=seconds):
            raise _unresolved(target, " (too many other lookups hang)")
        answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()
        thread = threading.Thread(
            target=self._put_answer, args=(answers, resolver, target), name="rules-outbound-lookup", daemon=True
        )
        try:
            thread.start()
        except BaseException:
            self._slots.release()
            raise
        try:
            answer = answers.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            raise _unresolved(target, f" within {seconds:.3g} s") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _put_answer(
        self, answers: SimpleQueue[Sequence[str] | Exception], resolver: Resolver, target: Target
    ) -> None:
        try:
            answers.put(resolver(target.host, target.port))
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for the answer
            answers.put(error)
        finally:
            self._slots.release()


def _unresolved(target: Target, how: str) -> OutboundFailed:
    return OutboundFailed(
        f"{target.origin} was not reached: its name could not be resolved{how}. "
        "Check the spelling of the host and this machine's DNS."
    )
