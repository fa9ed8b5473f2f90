"""Which customer somebody is, and which orders they may see."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from shop.exceptions import ShopError
from shop.logins import CUSTOMER
from shop.models import Customer, Order


def own_customer(request: HttpRequest) -> Customer:
    """The customer that the logged-in user is; raises ShopError for staff, who are none."""
    customer = Customer.objects.filter(user=_user(request)).first()
    if customer is None:
        raise ShopError(f"{request.user.get_username()} is not a customer. Log in as {CUSTOMER.username} to order.")
    return customer


def acting_customer(request: HttpRequest) -> Customer | None:
    """The customer whose orders the home page's buttons are about: the visitor's own, or the demo customer.

    None before ``manage.py seed_demo`` has run.
    """
    if request.user.is_authenticated:
        own = Customer.objects.filter(user=request.user).first()
        if own is not None:
            return own
    return Customer.objects.filter(email=CUSTOMER.email).first()


def visible_orders(request: HttpRequest) -> QuerySet[Order]:
    """The customer's own orders; all of them for staff who may view orders."""
    if request.user.has_perm("shop.view_order"):
        return Order.objects.all()
    return Order.objects.filter(customer__user=_user(request))


def _user(request: HttpRequest) -> User:
    user = request.user
    if not user.is_authenticated:
        # A look-up of nobody would find the customers that are no users.
        raise PermissionDenied("Log in first.")
    return user
