"""Prints each execution of the host project: rule, action, state and what its attempts came to."""

from __future__ import annotations

from rules_engine.models import Execution

for execution in Execution.objects.all():
    attempts = [attempt.outcome for attempt in execution.attempts.all()]
    print(execution.rule_slug, execution.action_kind, execution.state, *attempts)
