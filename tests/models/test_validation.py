"""What is wrong with a rule, by field."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from rules_engine.models import Rule


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "message"), [("a\x00b", "a NUL character"), ("a\ud800", "a lone surrogate")])
@pytest.mark.parametrize("field", ["name", "description", "condition"])
def test_text_that_no_database_can_hold_is_refused(field: str, text: str, message: str) -> None:
    """It is an error at its field, not one of the database when the rule is saved."""
    values = {"name": "x", "slug": "x", "signal": "post_save", "sender": "testapp.order", field: text}

    with pytest.raises(ValidationError) as caught:
        Rule(**values).full_clean()
    assert message in caught.value.message_dict[field][0]
