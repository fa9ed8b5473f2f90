"""The mails that the demo sent."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shop.models import OutgoingMail

SHOWN = 30


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show the newest mails."""
    return render(request, "shop/mail.html", {"mails": OutgoingMail.objects.all()[:SHOWN], "shown": SHOWN})
