"""Addresses of the shop's API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from shop.api.views import OrderViewSet, ProductViewSet

router = SimpleRouter()
router.register("products", ProductViewSet, basename="shop-api-product")
router.register("orders", OrderViewSet, basename="shop-api-order")
urlpatterns = router.urls
