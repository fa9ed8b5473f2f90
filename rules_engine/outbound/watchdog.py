"""Cut calls off at their deadline.

A socket's timeout starts anew with every byte, so a server that sends one byte now and then holds a caller for
ever. The watchdog shuts the connection down instead, which ends any read or write on it at once.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from math import inf
from time import monotonic


class Watch:
    """One call under watch; ``fired`` tells whether it was cut off."""

    def __init__(self, dog: Watchdog, twin: socket.socket, deadline: float) -> None:
        self._dog, self._twin, self.deadline = dog, twin, deadline
        self.fired = False

    def stop(self) -> None:
        """End the watch; from here on it does not fire."""
        self._dog.forget(self)
        self._twin.close()

    def fire(self) -> None:
        """Cut the call off. ``fired`` is set first: the caller, woken by the cut, looks at it."""
        self.fired = True
        with suppress(OSError):  # the other side was faster
            self._twin.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """One thread for all calls of a process, started by the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = inf

    def watch(self, sock: socket.socket, deadline: float) -> Watch:
        """Shut ``sock`` down at ``deadline`` (of the monotonic clock) unless the watch is stopped before."""
        watch = Watch(self, _twin(sock), deadline)
        with self._changed:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="rules-outbound-watchdog", daemon=True)
                self._thread.start()
            # Mostly false: the thread sleeps until the deadline of an earlier call, so that a call that ends
            # in time costs no thread switch.
            elif deadline < self._wakes_at:
                self._changed.notify()
        return watch

    def forget(self, watch: Watch) -> None:
        """Take the watch off the list; does nothing if it has fired."""
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = monotonic()
                for watch in [watch for watch in self._watches if watch.deadline <= now]:
                    # Under the lock, so that `stop` cannot close the twin in between.
                    watch.fire()
                    self._watches.discard(watch)
                self._wakes_at = min((watch.deadline for watch in self._watches), default=inf)
                self._changed.wait(None if self._wakes_at == inf else self._wakes_at - now)


def _twin(sock: socket.socket) -> socket.socket:
    """Return another handle of the same connection.

    The first one is wrapped for TLS, handed to the answer or closed while the call runs; its number may then
    belong to another connection. And a TLS socket told to shut down would go on in plain text.
    """
    return socket.socket(sock.family, sock.type, sock.proto, fileno=socket.dup(sock.fileno()))
