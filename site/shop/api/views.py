"""The shop's API: products, and orders with the actions ``place`` (POST), ``pay`` and ``cancel``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.db.models import QuerySet
from rest_framework import mixins, permissions, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from shop import orders
from shop.api.serializers import OrderSerializer, ProductSerializer
from shop.customers import own_customer, visible_orders
from shop.exceptions import ShopError
from shop.models import Order, Product


class Pages(LimitOffsetPagination):
    """Fifty at a time."""

    default_limit = 50
    max_limit = 200


class ProductViewSet(
    mixins.UpdateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[Product],
):
    """Products: anyone reads them, staff with the permission changes them."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    permission_classes = [permissions.DjangoModelPermissionsOrAnonReadOnly]
    pagination_class = Pages
    lookup_field = "sku"


class OrderViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Order]):
    """Orders of the customer who is logged in; staff sees all."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer
    permission_classes = [permissions.IsAuthenticated]
    pagination_class = Pages
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[Order]:
        return visible_orders(self.request).select_related("customer").prefetch_related("lines__product", "tags")

    def create(self, request: Request) -> Response:
        """Place an order."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted: Counter[str] = Counter()
        for line in serializer.validated_data["lines"]:
            wanted[line["product"].sku] += line["quantity"]
        order = self._do(lambda: orders.place(own_customer(request), wanted))
        return Response(self.get_serializer(order).data, status=HTTP_201_CREATED)

    @action(detail=True, methods=["post"])
    def pay(self, request: Request, number: str) -> Response:
        """Pay a pending order."""
        return self._change(orders.pay)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, number: str) -> Response:
        """Cancel an order that was not sent yet."""
        return self._change(orders.cancel)

    def _change(self, change: Callable[[str], Order]) -> Response:
        order = self.get_object()
        self._do(lambda: change(order.number))
        return Response(self.get_serializer(self.get_object()).data)

    @staticmethod
    def _do(use_case: Callable[[], Order]) -> Order:
        try:
            return use_case()
        except ShopError as error:
            raise ValidationError({"detail": str(error)}) from error
