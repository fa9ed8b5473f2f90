"""The shop's tables, and those in which the demo keeps what the rules sent."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone


class Customer(models.Model):
    """Somebody who buys; a user only if they can log in."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that sorts orders: gift, express."""

    name = models.SlugField(max_length=30, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something on the shelf."""

    sku = models.SlugField("SKU", max_length=30, unique=True)
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))])
    stock = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.sku])


class Order(models.Model):
    """What one customer wants, at the prices of that moment."""

    class Status(models.TextChoices):
        """Where an order stands."""

        PENDING = "pending"
        PAID = "paid"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="orders")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    total = models.DecimalField(max_digits=10, decimal_places=2)
    tags = models.ManyToManyField(Tag, blank=True, related_name="orders")
    placed_at = models.DateTimeField(default=timezone.now)
    paid_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("order", args=[self.number])


class Line(models.Model):
    """So many pieces of one product in an order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, related_name="lines")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    price = models.DecimalField("price of one", max_digits=8, decimal_places=2)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["order", "product"], name="shop_line_product_once")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"

    @property
    def total(self) -> Decimal:
        """What the line costs."""
        return self.quantity * self.price


class InboxMessage(models.Model):
    """One request that reached the demo's webhook inbox."""

    webhook_id = models.CharField(max_length=200, blank=True)
    verified = models.BooleanField(help_text="Whether the signature is right for the secret and the body.")
    problem = models.CharField(max_length=200, blank=True)
    headers = models.JSONField()
    body = models.TextField()
    answered = models.PositiveSmallIntegerField(help_text="Status of the answer.")
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.webhook_id or 'without id'}: {self.answered}"


class OutgoingMail(models.Model):
    """One mail that the demo would have sent."""

    sender = models.CharField(max_length=200)
    recipients = models.TextField()
    subject = models.CharField(max_length=500)
    text = models.TextField()
    html = models.TextField(blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.subject


class Switch(models.Model):
    """Something a visitor can break on purpose."""

    name = models.SlugField(unique=True)
    on = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "switches"

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.on else 'off'}"
