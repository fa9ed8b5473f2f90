"""The buttons of the home page. Anyone may press them: they stand for a shop full of people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from shop import inbox, orders, stock
from shop.customers import acting_customer
from shop.exceptions import ShopError
from shop.forms import PlaceForm, PriceForm, StockForm
from shop.models import Customer, Order

TAG = "gift"


@require_POST
def press(request: HttpRequest, what: str) -> HttpResponse:
    """Do what the button says; answer with one sentence, as JSON to the page's script and as a page without it."""
    button = BUTTONS.get(what)
    if button is None:
        raise Http404(f"There is no button {what!r}.")
    try:
        text, done = button(request), True
    except ShopError as error:
        text, done = str(error), False
    except ValidationError as error:
        text, done = " ".join(error.messages), False
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"text": text}, status=200 if done else 400)
    messages.add_message(request, messages.SUCCESS if done else messages.ERROR, text)
    back = request.POST.get("back", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "home")


def _place(request: HttpRequest) -> str:
    data = _clean(PlaceForm(request.POST, prefix="place"))
    order = orders.place(_customer(request), {data["sku"].sku: data["quantity"]})
    return f"Order {order} was placed: {order.total}."


def _pay(request: HttpRequest) -> str:
    return f"Order {orders.pay(_current(request).number)} was paid."


def _cancel(request: HttpRequest) -> str:
    return f"Order {orders.cancel(_current(request).number)} was cancelled."


def _tags(request: HttpRequest) -> str:
    order = _current(request)
    names = set(order.tags.values_list("name", flat=True)) ^ {TAG}
    orders.tag(order.number, names)
    return f"Order {order} is now {'' if TAG in names else 'no longer '}tagged “{TAG}”."


def _price(request: HttpRequest) -> str:
    data = _clean(PriceForm(request.POST, prefix="price"))
    product = stock.change(data["sku"].sku, price=data["price"])
    return f"{product} now costs {product.price}."


def _stock(request: HttpRequest) -> str:
    data = _clean(StockForm(request.POST, prefix="stock"))
    product = stock.change(data["sku"].sku, stock=data["stock"])
    return f"{product}: the books now say {product.stock}."


def _count(request: HttpRequest) -> str:
    data = _clean(StockForm(request.POST, prefix="count"))
    name = request.user.get_username() or "a visitor"
    difference = stock.count(data["sku"].sku, data["stock"], counted_by=name)
    return f"{data['sku']} was counted: {difference:+d} against the books."


def _inbox(request: HttpRequest) -> str:
    on = not inbox.is_broken()
    inbox.set_broken(on)
    return "The inbox now answers 503 to every webhook." if on else "The inbox works again."


def _clean(form: Form) -> dict[str, Any]:
    if not form.is_valid():
        raise ShopError(
            " ".join(f"{form[name].label}: {' '.join(map(str, texts))}" for name, texts in form.errors.items())
        )
    return form.cleaned_data


def _customer(request: HttpRequest) -> Customer:
    customer = acting_customer(request)
    if customer is None:
        raise ShopError("The shop has no customers yet: run `manage.py seed_demo`.")
    return customer


def _current(request: HttpRequest) -> Order:
    order = Order.objects.filter(customer=_customer(request)).first()
    if order is None:
        raise ShopError("There is no order yet: place one first.")
    return order


BUTTONS: dict[str, Callable[[HttpRequest], str]] = {
    "place": _place,
    "pay": _pay,
    "cancel": _cancel,
    "tags": _tags,
    "price": _price,
    "stock": _stock,
    "count": _count,
    "inbox": _inbox,
}
