"""Saves a row in the host project."""

from __future__ import annotations

from django.contrib.auth.models import Group

Group.objects.create(name="afterwards")
