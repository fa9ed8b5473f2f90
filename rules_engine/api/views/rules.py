"""Rules: create, read, change, delete; their versions and dry runs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from rules_engine import services
from rules_engine.api.base import ApiViewSet
from rules_engine.api.concurrency import etag, expected_version
from rules_engine.api.dryruns import dry_run
from rules_engine.api.errors import Conflict, PreconditionFailed, invalid_rule
from rules_engine.api.filters import RuleFilter
from rules_engine.api.serializers.dryruns import DryRunRequestSerializer
from rules_engine.api.serializers.rules import RuleSerializer, RuleVersionSerializer
from rules_engine.exceptions import StaleRule
from rules_engine.models import Rule, RuleVersion


class RuleViewSet(ApiViewSet[Rule]):
    """Rules by their slug, with their actions."""

    lookup_field = "slug"
    lookup_value_converter = "slug"
    serializer_class = RuleSerializer
    filterset_class = RuleFilter
    view_permissions = ("rules_engine.view_rule",)
    permissions = {
        "POST": ("rules_engine.add_rule",),
        "PUT": ("rules_engine.change_rule",),
        "PATCH": ("rules_engine.change_rule",),
        "DELETE": ("rules_engine.delete_rule",),
        "dry_run": ("rules_engine.view_rule",),
        "versions": ("rules_engine.view_rule", "rules_engine.view_ruleversion"),
    }

    def get_queryset(self) -> QuerySet[Rule]:
        return Rule.objects.select_related("created_by", "updated_by").prefetch_related("actions")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with a page of rules, in the order in which they run."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with one rule; its ETag is its version."""
        return self._answer(self.get_object())

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a rule; it is in shadow mode unless told otherwise."""
        values = self._values(request)
        values.pop("version", None)
        rule = self._save(Rule(), values, version=None)
        answer = self._answer(rule, status.HTTP_201_CREATED)
        answer["Location"] = request.build_absolute_uri(f"{request.path}{rule.slug}/")
        return answer

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a rule; what the body leaves out stays as it is. ``actions``, if given, replaces them all."""
        rule = self.get_object()
        values = self._values(request, rule, partial=bool(kwargs.get("partial")))
        version = expected_version(request, rule, values)
        return self._answer(self._save(rule, values, version=version))

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The same as ``update``, without the fields that a rule cannot do without."""
        return self.update(request, *args, **{**kwargs, "partial": True})

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a rule; what it has pending is cancelled, its versions and its history stay."""
        rule = self.get_object()
        version = expected_version(request, rule, {})
        try:
            services.delete_rule(rule=rule, by=request.user, version=version)
        except StaleRule as error:
            if error.actual is None:
                raise Http404 from None
            raise _stale(error, version) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["get"], filter_backends=[])
    def versions(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with a page of the rule's versions, the newest first; also for a rule that was deleted."""
        slug = self.kwargs["slug"]
        rule = Rule.objects.filter(slug=slug).first()
        rows = rule.versions.all() if rule else RuleVersion.objects.filter(rule=None, rule_slug=slug)
        page: list[Any] | None = self.paginate_queryset(rows.select_related("created_by"))  # type: ignore[arg-type]
        if rule is None and not page:
            raise Http404
        return self.get_paginated_response(RuleVersionSerializer(page, many=True).data)

    @action(detail=True, methods=["post"], url_path="dry-run", url_name="dry-run", filter_backends=[])
    def dry_run(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Evaluate the rule, or an unsaved change of it, and preview its actions; nothing is written or sent."""
        rule = self.get_object()
        asked = DryRunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(dry_run(rule, asked.validated_data, request.user))

    def _values(self, request: Request, rule: Rule | None = None, *, partial: bool = False) -> dict[str, Any]:
        shape: BaseSerializer[Any] = self.get_serializer(rule, data=request.data, partial=partial)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)

    def _save(self, rule: Rule, values: dict[str, Any], *, version: int | None) -> Rule:
        actions = values.pop("actions", [] if rule._state.adding else None)
        for name, value in values.items():
            setattr(rule, name, value)
        try:
            services.save_rule(rule=rule, actions=actions, by=self.request.user, version=version)
        except services.RuleInvalid as error:
            raise invalid_rule(error, rule) from None
        except StaleRule as error:
            raise _stale(error, version) from None
        return self.get_queryset().get(pk=rule.pk)

    def _answer(self, rule: Rule, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(rule).data, status=code, headers={"ETag": etag(rule)})


def _stale(error: StaleRule, version: int | None) -> PreconditionFailed | Conflict:
    """412 answers a condition that the request made; without one, two requests met by chance, which is 409."""
    if version is None:
        return Conflict(str(error), "stale_rule")
    return PreconditionFailed(str(error), version=error.actual)
