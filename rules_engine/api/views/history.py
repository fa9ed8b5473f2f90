"""Events and executions: read, and retry."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from rules_engine import services
from rules_engine.api.base import ApiViewSet, M
from rules_engine.api.filters import EventFilter, ExecutionFilter
from rules_engine.api.serializers.history import (
    EventDetailSerializer,
    EventSerializer,
    ExecutionDetailSerializer,
    ExecutionSerializer,
)
from rules_engine.models import Event, Execution


class HistoryViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet[M]):
    """Rows that only the engine writes."""

    def permits(self, user: Any) -> bool:
        if self.action in self.permissions:
            return super().permits(user)
        model = str(self.get_queryset().model._meta.model_name)
        return services.may_see_history(user=user, model=model)


class EventViewSet(HistoryViewSet[Event]):
    """Events, the newest first; each one with its payload."""

    lookup_value_converter = "uuid"
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[Event]:
        events = Event.objects.all()
        return events.defer("data") if self.action == "list" else events

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return EventSerializer if self.action == "list" else EventDetailSerializer


class ExecutionViewSet(HistoryViewSet[Execution]):
    """Executions, the newest first; each one with its attempts."""

    lookup_value_converter = "uuid"
    filterset_class = ExecutionFilter
    permissions = {"retry": ("rules_engine.retry_execution",)}

    def get_queryset(self) -> QuerySet[Execution]:
        executions = Execution.objects.select_related("event", "rule").defer("event__data")
        return executions if self.action == "list" else executions.prefetch_related("attempts")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return ExecutionSerializer if self.action == "list" else ExecutionDetailSerializer

    @action(detail=True, methods=["post"], filter_backends=[])
    def retry(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a failed or cancelled execution due now, with the same idempotency key."""
        execution = self.get_object()
        services.retry_one(execution=execution)
        return Response(self.get_serializer(self.get_queryset().get(pk=execution.pk)).data)
