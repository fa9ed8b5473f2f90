"""The shop itself: products for everyone, orders for the customer who is logged in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop import orders, shelf
from shop.customers import own_customer, visible_orders
from shop.exceptions import ShopError
from shop.forms import PlaceForm, PriceForm
from shop.models import Product

CHANGES = {"pay": orders.pay, "cancel": orders.cancel}


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """List what there is to buy."""
    return render(request, "shop/products.html", {"products": Product.objects.all()})


@require_safe
@never_cache
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """Show one product and whether its description came from the cache."""
    card = shelf.card(sku)
    if card is None:
        raise Http404(f"There is no product {sku}.")
    context = {
        "sku": sku,
        "card": card,
        "cache_key": shelf.cache_key(sku),
        "form": PlaceForm(initial={"sku": sku}),
        "price_form": PriceForm(prefix="price"),
    }
    return render(request, "shop/product.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def order_list(request: HttpRequest) -> HttpResponse:
    """List the customer's orders; POST places one."""
    if request.method == "POST":
        return _place(request)
    context = {"orders": visible_orders(request).select_related("customer"), "form": PlaceForm()}
    return render(request, "shop/orders.html", context)


def _place(request: HttpRequest) -> HttpResponse:
    form = PlaceForm(request.POST)
    if form.is_valid():
        wanted = {form.cleaned_data["sku"].sku: form.cleaned_data["quantity"]}
        try:
            return redirect(orders.place(own_customer(request), wanted))
        except ShopError as error:
            form.add_error(None, str(error))
    context = {"orders": visible_orders(request).select_related("customer"), "form": form}
    return render(request, "shop/orders.html", context, status=400)


@login_required
@require_safe
def order_page(request: HttpRequest, number: str) -> HttpResponse:
    """Show one order with its lines."""
    order = get_object_or_404(visible_orders(request), number=number)
    lines = order.lines.select_related("product")
    return render(request, "shop/order.html", {"order": order, "lines": lines, "tags": order.tags.all()})


@login_required
@require_POST
def change_order(request: HttpRequest, number: str, what: str) -> HttpResponse:
    """Pay or cancel an order."""
    order = get_object_or_404(visible_orders(request), number=number)
    try:
        CHANGES[what](order.number)
    except ShopError as error:
        messages.error(request, str(error))
    return redirect(order)
