"""Makes a rule in the host project and sends its signal, once matching and once not."""

from __future__ import annotations

from django.contrib.auth.models import Group

from rules_engine.models import Rule, RuleAction

rule = Rule(
    name="Staff appears",
    mode=Rule.Mode.LIVE,
    signal="post_save",
    sender="auth.group",
    condition="instance.name == 'staff'",
)
rule.full_clean()
rule.save()
action = RuleAction(rule=rule, kind="log", config={"message": "{{ instance.name }} was made"})
action.full_clean()
action.save()

Group.objects.create(name="visitors")
Group.objects.create(name="staff")
