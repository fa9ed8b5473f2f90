"""The home page: buttons that send signals beside a live panel of what the rules did."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shop import inbox, panel
from shop.customers import acting_customer
from shop.forms import PlaceForm, PriceForm, StockForm
from shop.logins import LOGINS
from shop.models import Order, Product


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the buttons, the panel and the log-ins."""
    context = {
        **_news(request),
        "logins": LOGINS,
        "rules_admin": panel.admin_page("rule_changelist") or reverse("admin:index"),
        "product": Product.objects.first(),
        "place_form": PlaceForm(prefix="place"),
        "price_form": PriceForm(prefix="price"),
        "stock_form": StockForm(prefix="stock"),
        "count_form": StockForm(prefix="count", initial={"stock": 10}),
    }
    return render(request, "shop/home.html", context)


@require_safe
@never_cache
def news(request: HttpRequest) -> JsonResponse:
    """Give what changes on the home page: HTML by the id of its element, and where the switch stands."""
    context = _news(request)
    return JsonResponse(
        {
            "order": render_to_string("shop/current_order.html", context, request),
            "panel": render_to_string("shop/panel.html", context, request),
            "switch_on": context["switch_on"],
        }
    )


def _news(request: HttpRequest) -> dict[str, Any]:
    customer = acting_customer(request)
    return {
        "order": Order.objects.filter(customer=customer).prefetch_related("tags").first(),
        "panel": panel.what_the_rules_did(),
        "switch_on": inbox.is_broken(),
    }
