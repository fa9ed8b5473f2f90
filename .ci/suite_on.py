"""Run pytest on one database server: ``python .ci/suite_on.py postgresql [pytest arguments]``.

Without an answer from the server it says so and runs nothing; in CI that is a failure.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

SERVERS = {
    "postgresql": ("PostgreSQL", "PGHOST", "PGPORT", "5432"),
    "mariadb": ("MariaDB", "MYSQL_HOST", "MYSQL_PORT", "3306"),
}


def main() -> int:
    """Return pytest's status, or that of a missing server."""
    kind, *arguments = sys.argv[1:]
    title, host_name, port_name, default_port = SERVERS[kind]
    address = (os.environ.get(host_name, "127.0.0.1"), int(os.environ.get(port_name, default_port)))
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError as error:
        hint = f"start it, or set {host_name} and {port_name}"
        print(f"{title} does not answer at {address[0]}:{address[1]} ({error}): not run; {hint}.")
        return 1 if os.environ.get("CI") == "true" else 0
    environment = {**os.environ, "TEST_DATABASE": kind}
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
