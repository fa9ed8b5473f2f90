"""A column for JSON documents whose numbers stay exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection

from rules_engine import jsontext
from rules_engine.models import Event
from rules_engine.models.fields import FrozenText

pytestmark = pytest.mark.django_db

DOCUMENT: dict[str, Any] = {
    "z first": Decimal("19.990"),
    "a": [1, True, None, 10**40, Decimal("-0.000001"), "€ 😀 \u2028"],
    "nested": {"text": "'\"\\", "empty": {}},
}


def stored_text(event: Event) -> str:
    """What the column holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM rules_engine_event")
        (text,) = cursor.fetchone()
    return str(text)


def test_document_comes_back_as_it_was() -> None:
    """Digits of numbers, order of keys, characters outside every database's encoding."""
    event = Event.objects.create(signal="x", data=DOCUMENT)

    found = Event.objects.get().data

    assert found == DOCUMENT
    assert list(found) == list(DOCUMENT)
    assert str(found["z first"]) == "19.990"
    assert jsontext.dumps(found) == stored_text(event)


def test_text_that_is_json_already_is_stored_as_it_is() -> None:
    """The bytes that were frozen are the bytes that are stored, read and signed."""
    text = '{"a":1.10,"b":"\\u20ac"}'

    event = Event.objects.create(signal="x", data=FrozenText(text))

    assert stored_text(event) == text
    assert Event.objects.get().data == {"a": Decimal("1.10"), "b": "€"}


def test_plain_text_is_a_document_too() -> None:
    """It is encoded, unlike frozen text."""
    Event.objects.create(signal="x", data="plain")

    assert Event.objects.get().data == "plain"


def test_document_survives_a_fixture() -> None:
    """``dumpdata`` and ``loaddata`` keep the digits."""
    Event.objects.create(signal="x", data=DOCUMENT)
    fixture = serializers.serialize("json", Event.objects.all())
    Event.objects.all().delete()

    for item in serializers.deserialize("json", fixture):
        item.save()

    assert Event.objects.get().data == DOCUMENT


def test_text_that_is_no_json_is_a_validation_error() -> None:
    """Not a crash of the form that it was written into."""
    with pytest.raises(ValidationError) as caught:
        Event._meta.get_field("data").to_python("{broken")

    assert caught.value.messages[0].startswith("This is not JSON: ")
