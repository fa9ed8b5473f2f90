"""The webhook inbox: the hook that receives and the page that shows what came."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from shop import inbox
from shop.models import InboxMessage

SHOWN = 30


@csrf_exempt  # The sender is a machine: the signature takes the token's place.
@require_POST
def hook(request: HttpRequest) -> HttpResponse:
    """Take one webhook: 200 if its signature is right, 400 if not, 503 while the switch is on."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    message = inbox.receive(headers, request.body)
    if message.answered == 503:
        request.deliberate = True  # type: ignore[attr-defined]  # see demo.logs
        return JsonResponse(
            {"problem": "The inbox is switched to 503."},
            status=503,
            headers={"Retry-After": str(inbox.RETRY_AFTER_SECONDS)},
        )
    if message.problem:
        return JsonResponse({"problem": message.problem}, status=400)
    return JsonResponse({"received": message.webhook_id})


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show the newest messages."""
    context = {"received": InboxMessage.objects.all()[:SHOWN], "switch_on": inbox.is_broken(), "shown": SHOWN}
    return render(request, "shop/inbox.html", context)
