"""What every view of the API has, whatever the host's REST framework settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from rules_engine.api.errors import handle
from rules_engine.api.pagination import PAGING, Pages
from rules_engine.api.parameters import check_names
from rules_engine.api.parsers import ExactJSONParser
from rules_engine.api.permissions import StaffPermission
from rules_engine.api.renderers import ExactJSONRenderer

HAS_OPENAPI = find_spec("drf_spectacular") is not None
"""Whether drf-spectacular is there; the API works without, it only cannot describe itself."""

if HAS_OPENAPI:
    from rules_engine.api.schema import EngineSchema


M = TypeVar("M", bound=Model)


class ApiView(APIView):
    """Policies set here and not left to the host: a foreign default must neither break the API nor open it.

    Authentication and throttling are the host's.
    """

    permission_classes = [StaffPermission]
    renderer_classes = [ExactJSONRenderer]
    parser_classes = [ExactJSONParser]
    content_negotiation_class = DefaultContentNegotiation
    metadata_class = SimpleMetadata
    versioning_class = None
    schema = EngineSchema() if HAS_OPENAPI else None

    permissions: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Permissions by action (``list``, ``retry``) or by method (``POST``)."""
    view_permissions: ClassVar[Sequence[str]] = ()
    """Permissions for everything that ``permissions`` does not name."""

    def permits(self, user: Any) -> bool:
        """Whether a staff user may make the current request."""
        return bool(user.has_perms(self.required_permissions()))

    def required_permissions(self) -> Sequence[str]:
        """The permissions that the current request needs."""
        for name in (getattr(self, "action", None), self.request.method):
            if name is not None and name in self.permissions:
                return self.permissions[name]
        return self.view_permissions

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle


class ApiViewSet(ApiView, GenericViewSet[M]):
    """A noun of the API; lists are filtered, ordered and paginated."""

    filter_backends = [DjangoFilterBackend]
    filterset_class: ClassVar[type[FilterSet]]
    pagination_class = Pages

    def filter_queryset(self, queryset: QuerySet[M, Any]) -> QuerySet[M, Any]:
        # REST framework asks for this for single things too; the parameters are those of lists.
        if self.action != "list":
            return queryset
        check_names(self.request.query_params, [*self.filterset_class.base_filters, *PAGING])
        return super().filter_queryset(queryset)
