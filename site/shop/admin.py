"""The shop in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from shop.models import Customer, InboxMessage, Line, Order, OutgoingMail, Product, Tag

if TYPE_CHECKING:
    CustomerBase = admin.ModelAdmin[Customer]
    ProductBase = admin.ModelAdmin[Product]
    OrderBase = admin.ModelAdmin[Order]
    LineBase = admin.TabularInline[Line, Order]
else:
    # ModelAdmin cannot be subscripted at run time.
    CustomerBase = ProductBase = OrderBase = admin.ModelAdmin
    LineBase = admin.TabularInline

admin.site.site_header = "The Tea Shop"
admin.site.site_title = "The Tea Shop"
admin.site.index_title = "Shop and rules"
admin.site.register([Tag, InboxMessage, OutgoingMail])


@admin.register(Customer)
class CustomerAdmin(CustomerBase):
    """Customers."""

    list_display = ["name", "email", "user"]
    search_fields = ["name", "email"]


@admin.register(Product)
class ProductAdmin(ProductBase):
    """Products, with price and stock to be changed in the list."""

    list_display = ["name", "sku", "price", "stock"]
    list_editable = ["price", "stock"]
    search_fields = ["name", "sku"]


class LineInline(LineBase):
    """The lines of an order."""

    model = Line
    extra = 0


@admin.register(Order)
class OrderAdmin(OrderBase):
    """Orders with their lines."""

    list_display = ["number", "customer", "status", "total", "placed_at"]
    list_filter = ["status", "tags"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__name"]
    date_hierarchy = "placed_at"
    filter_horizontal = ["tags"]
    inlines = [LineInline]
