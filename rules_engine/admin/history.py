"""What the admin of events and of executions have in common: read-only, searched by id, guarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from rules_engine import services
from rules_engine.models import Event

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class HistoryAdminMixin(Base):
    """Rows that only the engine writes; who may see the rules may see them."""

    show_full_result_count = False
    list_per_page = 50

    class Media:
        css = {"all": ["rules_engine/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return services.may_see_history(user=request.user, model=self.opts.model_name or "")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an id as such: how a UUID is stored, and so what a text search would find, differs by database."""
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        # A model's own keys may be UUIDs too, and are kept as text.
        return queryset.filter(self.by_id(wanted, search_term.strip())), False

    def by_id(self, wanted: UUID, text: str) -> Q:
        """What a searched UUID may be the id of; without joins, which would repeat rows."""
        raise NotImplementedError

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.viewer = Viewer(request.user)
        return found

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return type("HistoryChangeList", (WithViewer, super().get_changelist(request, **kwargs)), {})


class Viewer:
    """Who looks at a page. Rows are tied to it, because the admin gives its methods for a field the row alone."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self._known: dict[tuple[str, str], bool] = {}

    def may_see(self, event: Event) -> bool:
        """Whether they may see what this event recorded."""
        about = (event.signal, event.sender)
        if about not in self._known:
            self._known[about] = services.may_see_payload(user=self.user, signal=event.signal, sender=event.sender)
        return self._known[about]


class WithViewer(ChangeList):
    """A list whose rows know who looks at them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        viewer = Viewer(request.user)
        for row in self.result_list:
            row.viewer = viewer
