"""What stands in place of data that a user may not see; who may is ``services.visibility``."""

from __future__ import annotations

from django.utils.translation import gettext as _

from rules_engine.services import SUPERUSER, payload_permissions


def hidden_text(signal: str, sender: str) -> str:
    """The sentence in place of what was recorded of ``signal`` from ``sender``: it names what is needed."""
    permissions = payload_permissions(signal, sender)
    if SUPERUSER in permissions:
        return _("Hidden: the model it is about is not installed, so only superusers may see it.")
    return _("Hidden: needs the permission “%(name)s” (%(codename)s).") % {
        "name": ", ".join(item.partition(".")[2].replace("_", " ") for item in permissions),
        "codename": ", ".join(permissions),
    }
