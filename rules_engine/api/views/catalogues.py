"""The catalogues, and the root of the API that names everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from rules_engine.actions import all_actions, get_action
from rules_engine.api.base import ApiView
from rules_engine.api.permissions import StaffOfTheEngine
from rules_engine.api.serializers.catalogues import ActionKindSerializer, FunctionSerializer, SignalSerializer
from rules_engine.catalog import all_signals, get_signal
from rules_engine.conditions import function_help
from rules_engine.exceptions import UnknownKey


class CatalogueViewSet(ApiView, GenericViewSet[Any]):
    """Everything of one catalogue as a plain list: entries are few, so there are no pages."""

    view_permissions = ("rules_engine.view_rule",)
    pagination_class = None
    filter_backends = []
    lookup_field = "key"
    lookup_value_converter = "str"

    def entries(self) -> Sequence[Any]:
        """Everything that the catalogue holds."""
        raise NotImplementedError

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with all entries."""
        return Response(self.get_serializer(self.entries(), many=True).data)


class SignalViewSet(CatalogueViewSet):
    """Signals that rules may listen to, with their senders and an example."""

    serializer_class = SignalSerializer

    def entries(self) -> Sequence[Any]:
        return all_signals()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with one signal."""
        try:
            return Response(self.get_serializer(get_signal(kwargs["key"])).data)
        except UnknownKey as error:
            raise Http404(str(error)) from None


class ActionViewSet(CatalogueViewSet):
    """Kinds of actions, with the JSON Schema of their configuration."""

    serializer_class = ActionKindSerializer

    def entries(self) -> Sequence[Any]:
        return all_actions()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with one kind."""
        kind = kwargs["key"]
        try:
            return Response(self.get_serializer((kind, get_action(kind))).data)
        except UnknownKey as error:
            raise Http404(str(error)) from None


class FunctionViewSet(CatalogueViewSet):
    """Functions that a condition can call."""

    serializer_class = FunctionSerializer

    def entries(self) -> Sequence[Any]:
        return function_help()


class RootView(ApiView):
    """Addresses of everything else."""

    permission_classes = [StaffOfTheEngine]
    schema = None
    names: ClassVar[Sequence[str]] = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with the addresses by name."""
        return Response({name: request.build_absolute_uri(f"{request.path}{name}/") for name in self.names})
