"""The admin of rules: form, list, switching modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from rules_engine import services
from rules_engine.admin import configs
from rules_engine.admin.choices import form_choices
from rules_engine.admin.conditionhelp import condition_help
from rules_engine.admin.display import EMPTY, badge, json_block, kind_title, short_moment
from rules_engine.admin.dryruns import DryRunPage
from rules_engine.admin.filters import QuarantineFilter
from rules_engine.admin.forms import RuleActionForm, RuleForm
from rules_engine.admin.sentences import sentence
from rules_engine.admin.versions import VersionsPage
from rules_engine.exceptions import StaleRule, UnknownKey
from rules_engine.models import Execution, Rule, RuleAction, recording

if TYPE_CHECKING:
    RuleModelAdmin = admin.ModelAdmin[Rule]
    ActionInline = admin.StackedInline[RuleAction, Rule]
else:
    RuleModelAdmin = object
    ActionInline = admin.StackedInline

DAYS = 7
"""What the counts of the list cover."""


class RuleActionInline(ActionInline):
    """The actions of a rule; who may change the rule may change them."""

    model = RuleAction
    form = RuleActionForm
    verbose_name = gettext_lazy("action")
    verbose_name_plural = gettext_lazy("Then")
    ordering = ["position", "pk"]
    extra = 0

    def get_extra(self, request: HttpRequest, obj: Rule | None = None, **kwargs: Any) -> int:
        """One empty row on the form of a new rule; left without a kind, it counts as none."""
        return 1 if obj is None else 0

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        editable = self.has_change_permission(request, obj)
        config = "config" if editable else "shown_config"
        kind = "kind" if editable else "shown_kind"
        return [(None, {"fields": [kind, config, ("on_error", "enabled", "position")]})]

    readonly_fields = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if self.has_change_permission(request, obj) else ("shown_kind", "shown_config")

    @admin.display(description=gettext_lazy("kind"))
    def shown_kind(self, action: RuleAction) -> str:
        """The kind in words, for those who may only look."""
        return kind_title(action.kind)

    @admin.display(description=gettext_lazy("Configuration"))
    def shown_config(self, action: RuleAction) -> SafeString:
        """The configuration without secrets, for those who may only look."""
        return json_block(configs.masked(action.kind, action.config), _("Configuration"))

    def _may(self, request: HttpRequest, *names: str) -> bool:
        return any(request.user.has_perm(f"rules_engine.{name}_rule") for name in names)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add" if obj is None else "change")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add" if obj is None else "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view", "change", "add")


class WithTitles:
    """The rows of an inline, each action headed by its kind in words: "1. Call a webhook"."""

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():  # type: ignore[misc]
            if isinstance(row.original, RuleAction):
                row.original = f"{row.original.position}. {kind_title(row.original.kind)}"
            yield row


class RuleAdminMixin(DryRunPage, VersionsPage, RuleModelAdmin):
    """Everything of the admin of rules; mix it into another theme's ``ModelAdmin``."""

    form = RuleForm
    inlines = [RuleActionInline]
    change_form_template = "rules_engine/admin/rule_form.html"
    change_list_template = "rules_engine/admin/rule_list.html"
    delete_confirmation_template = "rules_engine/admin/rule_delete.html"
    delete_selected_confirmation_template = "rules_engine/admin/rules_delete.html"
    save_as = True
    radio_fields = {"mode": admin.VERTICAL}
    list_display = ["name", "mode_badge", "reads_as", "outcomes", "last_run", "last_change"]
    list_filter = ["mode", QuarantineFilter, "signal", "sender"]
    list_select_related = ["updated_by"]
    list_per_page = 50
    search_fields = ["name", "slug", "description", "condition"]
    ordering = ["name", "pk"]
    actions = ["go_live", "to_shadow", "switch_off"]
    fieldsets = [
        (None, {"fields": ["name", "mode", "edited_version"]}),
        (gettext_lazy("When"), {"fields": ["signal", "sender", "condition"]}),
        (
            gettext_lazy("More settings"),
            {
                "classes": ["collapse", "rules-more"],
                "fields": ["description", "slug", "priority", "stop_on_match"],
            },
        ),
    ]

    class Media:
        css = {"all": ["rules_engine/admin.css"]}
        js = ["rules_engine/rule.js"]

    # --- pages ---

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("condition-help/", self._page(require_GET(self.help_view)), name="rules_engine_rule_help"),
            path("<path:object_id>/mode/", self._page(require_POST(self.mode_view)), name="rules_engine_rule_mode"),
            path(
                "<path:object_id>/dry-run/",
                self._page(require_GET(self.dry_run_view)),
                name="rules_engine_rule_dry_run",
            ),
            path(
                "<path:object_id>/versions/",
                self._page(require_GET(self.versions_view)),
                name="rules_engine_rule_versions",
            ),
        ]
        return [*own, *super().get_urls()]

    def _page(self, view: Any) -> Any:
        return self.admin_site.admin_view(view)

    def rule_or_404(self, request: HttpRequest, object_id: str) -> Rule:
        """The rule of a page of ours."""
        rule = self.get_object(request, object_id)
        if rule is None:
            raise Http404
        return rule

    def help_view(self, request: HttpRequest) -> HttpResponse:
        """What a condition may read and call, as JSON for the form."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        try:
            found = condition_help(request.GET.get("signal", ""), request.GET.get("sender", ""))
        except UnknownKey as error:
            return JsonResponse({"error": str(error)}, status=404)
        return JsonResponse(found)

    def mode_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Switch one rule's mode, and return to its page."""
        rule = self.rule_or_404(request, object_id)
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        mode = request.POST.get("mode", "")
        if mode not in Rule.Mode.values:
            raise BadRequest(f"{mode!r} is not a mode.")
        self._switch(request, [rule], mode)
        return HttpResponseRedirect(
            reverse("admin:rules_engine_rule_change", args=[rule.pk], current_app=self.admin_site.name)
        )

    # --- modes ---

    @admin.action(permissions=["change"], description=gettext_lazy("Go live"))
    def go_live(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """List action."""
        self._switch(request, queryset, Rule.Mode.LIVE)

    @admin.action(permissions=["change"], description=gettext_lazy("Switch to shadow: record only"))
    def to_shadow(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """List action."""
        self._switch(request, queryset, Rule.Mode.SHADOW)

    @admin.action(permissions=["change"], description=gettext_lazy("Switch off"))
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """List action."""
        self._switch(request, queryset, Rule.Mode.OFF)

    def _switch(self, request: HttpRequest, rules: Iterable[Rule], mode: str) -> None:
        rules = list(rules)
        try:
            changed = services.set_mode(rules=rules, mode=mode, by=request.user)
        except StaleRule as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        for rule in changed:
            self.log_change(request, rule, f"Mode: {mode}.")
        if len(rules) > len(changed):
            self.message_user(request, _already(len(rules) - len(changed), mode), messages.INFO)
        if changed:
            self.message_user(request, _switched(changed, mode), messages.SUCCESS)
        self._warn_of_quarantine(request, changed)

    def _warn_of_quarantine(self, request: HttpRequest, rules: list[Rule]) -> None:
        """Loading the rules, after the commit, may have found that one cannot run."""
        broken = (
            Rule.objects.filter(pk__in=[rule.pk for rule in rules]).exclude(mode=Rule.Mode.OFF).exclude(problem="")
        )
        for rule in broken:
            text = _("“%(rule)s” is quarantined and does not run: %(problem)s")
            values = {"rule": rule.name, "problem": rule.problem}
            self.message_user(request, text % values, messages.ERROR, extra_tags="rules-caret")

    # --- the form ---

    def get_form(self, request: HttpRequest, obj: Rule | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.stale = getattr(request, "rules_engine_stale", None)
        form.copying = request.method == "POST" and "_saveasnew" in request.POST
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            with recording(by=request.user):
                response = super().changeform_view(request, object_id, form_url, extra_context)
        except StaleRule as error:
            # Somebody saved between our reading and our writing: the same form again, with the message.
            request.rules_engine_stale = error  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)
        if saved := getattr(request, "rules_engine_saved", None):
            # After the commit, which loads the rules: only then is it known whether the rule runs.
            self._advise(request, saved)
        return response

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        if not change or form.has_changed():
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if change and not form.has_changed() and any(formset.has_changed() for formset in formsets):
            # A change of the actions is a change of the rule, under the same lock.
            form.instance.save()
        super().save_related(request, form, formsets, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.model is RuleAction and formset.has_changed():
            moved = [row.instance.pk for row in formset.forms if "position" in row.changed_data]
            renumber(form.instance, moved)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().delete_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None) or {}
        return _with_consequence(response, [context["object"]] if context.get("object") else [])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        # The page that asks before the chosen rules are deleted.
        return _with_consequence(response, context["queryset"] if "deletable_objects" in context else [])

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        with recording(by=request.user):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        with recording(by=request.user):
            super().delete_queryset(request, queryset)

    def response_add(self, request: HttpRequest, obj: Rule, post_url_continue: str | None = None) -> HttpResponse:
        request.rules_engine_saved = obj  # type: ignore[attr-defined]
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Rule) -> HttpResponse:
        request.rules_engine_saved = obj  # type: ignore[attr-defined]
        return super().response_change(request, obj)

    def _advise(self, request: HttpRequest, rule: Rule) -> None:
        """Say what the rule just saved does from now on, and what a person might not expect of it."""
        for text in services.condition_warnings(rule=rule):
            self.message_user(request, text, messages.WARNING, extra_tags="rules-caret")
        if rule.mode == Rule.Mode.SHADOW:
            stays = {"_continue", "_saveasnew"} & set(request.POST)
            # Where the form stays open, its banner has the button.
            shown = not stays and self.has_change_permission(request, rule)
            button = self._live_button(rule) if shown else ""
            message = format_html("{} {}", _switched([rule], rule.mode), button)
            self.message_user(request, message, messages.WARNING)
        else:
            self.message_user(request, _switched([rule], rule.mode), messages.SUCCESS)
        self._warn_of_quarantine(request, [rule])

    def _live_button(self, rule: Rule) -> SafeString:
        url = reverse("admin:rules_engine_rule_mode", args=[rule.pk], current_app=self.admin_site.name)
        return format_html(
            '<button type="submit" form="rules-post" formaction="{}" name="mode" value="live" '
            'class="rules-button rules-button-live">{}</button>',
            url,
            _("Go live"),
        )

    def get_inline_formsets(self, request: HttpRequest, *args: Any, **kwargs: Any) -> list[Any]:
        found: list[Any] = super().get_inline_formsets(request, *args, **kwargs)
        for formset in found:
            formset.__class__ = type("TitledFormSet", (WithTitles, type(formset)), {})
        return found

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        rule = kwargs.get("obj")
        context["rules_form"] = form_data(self)
        if rule is not None:
            # A form that was refused has put its values on the instance; the banner tells what is stored.
            fresh = self.get_queryset(request).filter(pk=rule.pk).first() if request.method == "POST" else None
            stored: Rule = fresh or rule
            context["rules_stored"] = stored
            context["rules_sentence"] = sentence(stored, stored.actions.all())
            context["rules_may_switch"] = self.has_change_permission(request, rule)
            context["rules_stale"] = getattr(context["adminform"].form, "is_stale", False)
        return super().render_change_form(request, context, *args, **kwargs)

    # --- the list ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        base = super().get_changelist(request, **kwargs)
        return type("RuleChangeList", (WithHistory, base), {})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return super().get_queryset(request).prefetch_related("actions")

    @admin.display(description=gettext_lazy("what it does"))
    def reads_as(self, rule: Rule) -> SafeString:
        """The rule as a sentence, and why it does not run if it is quarantined."""
        text = sentence(rule, rule.actions.all())
        if not rule.problem:
            return text
        # The lines below the first one draw a caret, which needs the width of the rule's own page.
        problem = format_html('<div class="rules-problem">{}</div>', rule.problem.splitlines()[0])
        return format_html("{} {} {}", text, badge("failed", _("quarantined, does not run")), problem)

    @admin.display(description=gettext_lazy("mode"), ordering="mode")
    def mode_badge(self, rule: Rule) -> SafeString:
        """The mode in a word."""
        return badge(rule.mode, MODE_WORDS[Rule.Mode(rule.mode)])

    @admin.display(description=gettext_lazy("last run"))
    def last_run(self, rule: Any) -> Any:
        """When something of it last finished, with a link to its executions."""
        last = rule.history["last"]
        return format_html('<a href="{}">{}</a>', executions_url(self, rule), short_moment(last)) if last else EMPTY

    @admin.display(description=gettext_lazy("last 7 days"))
    def outcomes(self, rule: Any) -> Any:
        """How many of its executions came to which end."""
        found = [
            format_html(
                '<a href="{}&amp;state__exact={}">{}</a>', executions_url(self, rule), state, badge(state, text)
            )
            for state, text in _outcomes(rule.history)
        ]
        return format_html(" ".join(["{}"] * len(found)), *found) if found else EMPTY

    @admin.display(description=gettext_lazy("changed"), ordering="updated_at")
    def last_change(self, rule: Rule) -> SafeString:
        """Who changed it, and when."""
        return format_html("{}<br>{}", rule.updated_by or EMPTY, short_moment(rule.updated_at))


def _outcomes(history: dict[str, Any]) -> list[tuple[str, str]]:
    succeeded, failed, shadow = history["succeeded"], history["failed"], history["shadow"]
    found = [
        ("succeeded", succeeded, ngettext("%(n)d succeeded", "%(n)d succeeded", succeeded)),
        ("failed", failed, ngettext("%(n)d failed", "%(n)d failed", failed)),
        ("shadow", shadow, ngettext("%(n)d in shadow", "%(n)d in shadow", shadow)),
    ]
    return [(state, text % {"n": number}) for state, number, text in found if number]


class WithHistory(ChangeList):
    """A list of rules that reads the history of its page with one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = _histories([rule.pk for rule in self.result_list])
        for rule in self.result_list:
            rule.history = found.get(rule.pk, _NO_HISTORY)


_NO_HISTORY = {"last": None, "succeeded": 0, "failed": 0, "shadow": 0}


def _histories(ids: list[int]) -> dict[int, dict[str, Any]]:
    recent = Q(finished_at__gte=timezone.now() - timedelta(days=DAYS))
    states = (Execution.State.SUCCEEDED, Execution.State.FAILED, Execution.State.SHADOW)
    counts = {state.value: Count("pk", filter=recent & Q(state=state)) for state in states}
    rows: Any = (
        Execution.objects.filter(rule_id__in=ids, state__in=states)
        .order_by()
        .values("rule_id")
        .annotate(last=Max("finished_at"), **counts)
    )
    return {row["rule_id"]: row for row in rows}


def executions_url(model_admin: Any, rule: Rule) -> str:
    """The list of executions of one rule, ending in a query that can be added to."""
    url = reverse("admin:rules_engine_execution_changelist", current_app=model_admin.admin_site.name)
    return f"{url}?rule_slug={rule.slug}"


def renumber(rule: Rule, moved: Sequence[int]) -> None:
    """Number the actions 1, 2, 3 …; of two with the same number, the one that was moved there comes first."""
    # Not rule.actions, which may hold what was read before the form was saved.
    rows = sorted(RuleAction.objects.filter(rule=rule), key=lambda row: (row.position, row.pk not in moved, row.pk))
    for number, row in enumerate(rows, start=1):
        if row.position != number:
            row.position = number
            row.save(update_fields=["position"])


def form_data(model_admin: Any) -> dict[str, Any]:
    """What the scripts of the form need: choices, schemas, texts."""
    return {
        **form_choices(),
        "kinds": configs.drawn_kinds(),
        "nothing": configs.NOTHING,
        "help": reverse("admin:rules_engine_rule_help", current_app=model_admin.admin_site.name),
        "texts": {
            "choose_first": _("Choose a signal first"),
            "help": _("What can a condition read?"),
            "syntax": _("How it is written (JMESPath)"),
            "arguments": _("The signal tells"),
            "names": _("Names"),
            "functions": _("Functions"),
            "example": _("Example"),
            "insert": _("Insert %s into the condition"),
            "unsaved": _("You have changes that are not saved. They are lost if you go on."),
            "not_installed": _("%s (not installed)"),
        },
    }


def _with_consequence(response: HttpResponse, rules: Any) -> HttpResponse:
    """Tell on a page that asks before ``rules`` are deleted what becomes of their work and their history."""
    keys = [rule.pk for rule in rules]
    if not keys:
        return response
    waiting = Execution.objects.filter(rule__in=keys, state=Execution.State.PENDING).count()
    text = ngettext(
        "%(n)d execution that has not run will be cancelled; versions and history stay.",
        "%(n)d executions that have not run will be cancelled; versions and history stay.",
        waiting,
    )
    response.context_data["rules_consequence"] = (  # type: ignore[attr-defined]
        text % {"n": waiting} if waiting else _("Nothing is waiting to run; versions and history stay.")
    )
    return response


def _switched(rules: list[Rule], mode: str) -> str:
    texts = {
        Rule.Mode.LIVE: ngettext(
            "%(rules)s is live: its actions run.", "%(count)d rules are live: their actions run.", len(rules)
        ),
        Rule.Mode.SHADOW: ngettext(
            "%(rules)s is in shadow mode: recorded only, nothing is sent.",
            "%(count)d rules are in shadow mode: recorded only, nothing is sent.",
            len(rules),
        ),
        Rule.Mode.OFF: ngettext("%(rules)s is switched off.", "%(count)d rules are switched off.", len(rules)),
    }
    return texts[Rule.Mode(mode)] % {"rules": f"“{rules[0]}”", "count": len(rules)}


def _already(number: int, mode: str) -> str:
    word = MODE_WORDS[Rule.Mode(mode)]
    text = ngettext("%(count)d rule was %(mode)s already.", "%(count)d rules were %(mode)s already.", number)
    return text % {"count": number, "mode": word}


MODE_WORDS = {
    Rule.Mode.LIVE: gettext_lazy("live"),
    Rule.Mode.SHADOW: gettext_lazy("shadow"),
    Rule.Mode.OFF: gettext_lazy("off"),
}


@admin.register(Rule)
class RuleAdmin(RuleAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Rules in Django's own admin."""
