"""Addresses of the shop's pages."""

from __future__ import annotations

from django.urls import path, re_path

from shop.views import controls, crash, home, inbox, mailbox, store

urlpatterns = [
    path("", home.home, name="home"),
    path("news/", home.news, name="news"),
    path("press/<slug:what>/", controls.press, name="press"),
    path("products/", store.products, name="products"),
    path("products/<slug:sku>/", store.product, name="product"),
    path("orders/", store.order_list, name="orders"),
    path("orders/<slug:number>/", store.order_page, name="order"),
    re_path(r"^orders/(?P<number>[\w-]+)/(?P<what>pay|cancel)/$", store.change_order, name="change-order"),
    path("inbox/", inbox.page, name="inbox"),
    path("inbox/hook/", inbox.hook, name="inbox-hook"),
    path("mail/", mailbox.page, name="mail"),
    path("crash/", crash.crash, name="crash"),
]
