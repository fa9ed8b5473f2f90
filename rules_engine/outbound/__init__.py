"""The one HTTP client of the project: it calls only what the policy allows, and ends when its time is up."""

from __future__ import annotations

from rules_engine.outbound.client import Answer, send
from rules_engine.outbound.guard import check_url
from rules_engine.outbound.headers import check_headers
from rules_engine.outbound.lookup import Resolver
from rules_engine.outbound.policy import Policy
from rules_engine.outbound.process import close_idle

__all__ = ["Answer", "Policy", "Resolver", "check_headers", "check_url", "close_idle", "send"]
