"""What the shop's API shows and takes."""

from __future__ import annotations

from rest_framework import serializers

from shop.models import Line, Order, Product, Tag


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product."""

    class Meta:
        model = Product
        fields = ["sku", "name", "price", "stock"]


class LineSerializer(serializers.ModelSerializer[Line]):
    """So many pieces of one product."""

    sku = serializers.SlugRelatedField("sku", queryset=Product.objects.all(), source="product")

    class Meta:
        model = Line
        fields = ["sku", "quantity", "price"]
        read_only_fields = ["price"]


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order; only its lines can be given, everything else follows from them."""

    lines = LineSerializer(many=True, allow_empty=False)
    tags: serializers.SlugRelatedField[Tag] = serializers.SlugRelatedField("name", many=True, read_only=True)
    customer = serializers.CharField(source="customer.name", read_only=True)

    class Meta:
        model = Order
        fields = ["number", "customer", "status", "total", "tags", "lines", "placed_at", "paid_at", "cancelled_at"]
        read_only_fields = ["number", "status", "total", "placed_at", "paid_at", "cancelled_at"]
