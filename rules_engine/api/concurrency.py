"""ETag and If-Match: nobody overwrites a change that they have not seen."""

from __future__ import annotations

import re
from typing import Any

from rest_framework.request import Request

from rules_engine.api.errors import PreconditionFailed
from rules_engine.exceptions import StaleRule
from rules_engine.models import Rule

_TAG = re.compile(r'\s*(?:W/)?"(\d{1,18})"\s*', re.ASCII)


def etag(rule: Rule) -> str:
    """The entity tag of a rule: its version in quotes."""
    return f'"{rule.version}"'


def expected_version(request: Request, rule: Rule, body: dict[str, Any]) -> int | None:
    """Take ``version`` from ``body`` and return the version that the request was made for; None if it names none.

    It is named by ``If-Match`` or by ``version`` in the body, as a client that sends back what it read does. Raises
    PreconditionFailed if either is not the rule's present one.
    """
    named: int | None = body.pop("version", None)
    header = request.headers.get("If-Match")
    if header is not None and header.strip() != "*":
        _check_header(header, rule)
        named = rule.version if named is None else named
    if named is not None and named != rule.version:
        raise PreconditionFailed(str(StaleRule(rule.name, named, rule.version)), version=rule.version)
    return named


def _check_header(header: str, rule: Rule) -> None:
    found = [_TAG.fullmatch(part) for part in header.split(",")]
    if not all(found):
        raise PreconditionFailed(
            'If-Match must be the ETag of the rule, its version in double quotes such as "3", or *. '
            "Nothing was saved.",
            version=rule.version,
        )
    # A weak tag counts as well: proxies and GZipMiddleware weaken what they compress, and the tag is a version
    # of the rule, not a digest of bytes.
    versions = [int(match[1]) for match in found if match]
    if rule.version not in versions:
        raise PreconditionFailed(str(StaleRule(rule.name, versions[0], rule.version)), version=rule.version)
