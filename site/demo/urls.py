"""URLs of the demo site: the shop, the admin and the API of the rules engine."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

urlpatterns = [
    path("", include("shop.urls")),
    path("shop/api/", include("shop.api.urls")),
    path("accounts/login/", auth.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("rules-api/", include("rules_engine.api.urls")),
]
