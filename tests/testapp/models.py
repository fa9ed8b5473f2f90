"""Models that rules of the test suite listen to: every kind of column, relations both ways."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models


class Tag(models.Model):
    """A label for orders."""

    name = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Somebody who orders; two of the fields must never enter a context."""

    name = models.CharField(max_length=100)
    email = models.EmailField(blank=True)
    password = models.CharField(max_length=100, blank=True)
    api_token = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """An order with a status, money and tags."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        PAID = "paid", "Paid"
        CANCELLED = "cancelled", "Cancelled"

    number = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    total = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal("0.00"))
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="orders")
    tags = models.ManyToManyField(Tag, blank=True, related_name="orders")
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"Order {self.number}"


class Line(models.Model):
    """One line of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=20)
    quantity = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal("1.00"))

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class Sample(models.Model):
    """One column of each kind, for the agreement of live and frozen contexts."""

    text = models.TextField(blank=True)
    whole = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    real = models.FloatField(null=True)
    money = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    flag = models.BooleanField(null=True)
    at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    lasting = models.DurationField(null=True)
    key = models.UUIDField(default=uuid.uuid4)
    file = models.FileField(upload_to="samples", blank=True)
    blob = models.BinaryField(null=True)
    data = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, related_name="samples")

    def __str__(self) -> str:
        raise RuntimeError("__str__ of a host's model may raise")


class Untouched(models.Model):
    """A model that no rule of the suite listens to."""

    name = models.CharField(max_length=50, blank=True)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")

    def __str__(self) -> str:
        return self.name
