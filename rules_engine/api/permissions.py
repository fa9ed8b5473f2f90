"""Who may call the API: staff, with Django's model permissions."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class StaffPermission(BasePermission):
    """Staff users whom the view's ``permits()`` lets in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        # A host may have no user at all for anonymous requests (UNAUTHENTICATED_USER = None).
        if not getattr(user, "is_authenticated", False) or not getattr(user, "is_staff", False):
            return False
        return bool(view.permits(user))


class StaffOfTheEngine(BasePermission):
    """Staff users who hold any permission of the rules engine: for pages that show no data."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not getattr(user, "is_authenticated", False) or not getattr(user, "is_staff", False):
            return False
        return user.has_module_perms("rules_engine")
