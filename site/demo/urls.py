"""URLs of the demo site: the shop, the admin and the API of the rules engine."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("shop.urls")),
    path("shop/api/", include("shop.api.urls")),
    path("accounts/login/", auth.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    # Pages that name no icon of their own, such as the admin's, make browsers ask here.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}shop/icon.svg", permanent=True)),
    path("rules-api/", include("rules_engine.api.urls")),
]
