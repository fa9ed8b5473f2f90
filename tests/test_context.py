"""The context: one answer live, frozen and replayed; lazy; no secrets; no errors from hostile data."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from rules_engine import jsontext
from rules_engine.conditions import compile_condition
from rules_engine.context import ModelDocument, Plan, freeze, typed
from rules_engine.context.documents import names_at
from rules_engine.context.plan import missing_paths
from rules_engine.context.values import MAX_ITEMS
from rules_engine.exceptions import ConditionEvaluationError
from tests.testapp.models import Customer, Line, Order, Sample, Tag, Untouched

AWARE = dt.datetime(2026, 3, 1, 10, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))


class Exploding:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (1.5, Decimal("1.5")),
        (2.0, Decimal("2.0")),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("19.99"), Decimal("19.99")),
        (Decimal("20"), 20),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (AWARE, "2026-03-01T08:30:00.000000Z"),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (dt.time(9, 5), "09:05:00.000000"),
        (dt.timedelta(minutes=1, microseconds=1), Decimal("60.000001")),
        (dt.timedelta(days=2), 172_800),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"abc", "<3 bytes>"),
        (memoryview(b"abc"), "<3 bytes>"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
        (Order.Status.PAID, "paid"),
        ((1, 2), [1, 2]),
        ({3, 1}, [1, 3]),
        ({"a": {"password": "x"}}, {"a": {"password": "***"}}),
        (ValueError("bad"), {"type": "ValueError", "message": "bad"}),
        (Exploding(), "<Exploding: __str__ raised RuntimeError>"),
        (Order, "testapp.order"),
        pytest.param(10**5000, "<integer of 16610 bits>", id="huge integer"),
    ],
)
def test_value_has_one_json_form(value: Any, expected: Any) -> None:
    """Each Python value has one JSON form, and it survives the way through text."""
    found = typed(value)

    assert (found, type(found)) == (expected, type(expected))
    assert jsontext.loads(jsontext.dumps(found)) == found


class CaseInsensitiveDict(dict[str, Any]):
    """A mapping whose own method fails."""

    def items(self) -> Any:
        raise ValueError("half-made")


class Money(Decimal):
    """A number with texts of its own."""

    def __str__(self) -> str:
        raise RuntimeError("no currency")

    __format__ = is_finite = __str__  # type: ignore[assignment]


class Queue(list[int]):
    """A list that cannot be read."""

    def __iter__(self) -> Any:
        raise RuntimeError("closed")


class Disguised:
    """An object that does not say what it is."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("no class")


class Zone(dt.tzinfo):
    """A time zone whose data is missing."""

    def utcoffset(self, moment: Any) -> Any:
        raise RuntimeError("no data")

    tzname = dst = utcoffset


class Day(dt.date):
    """A date that writes itself in another way."""

    def isoformat(self) -> str:
        return "1 March"


class Key(uuid.UUID):
    """A key that cannot be written."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CaseInsensitiveDict(a=1), "<CaseInsensitiveDict: items raised ValueError>"),
        ({"a": [CaseInsensitiveDict(a=1)]}, {"a": ["<CaseInsensitiveDict: items raised ValueError>"]}),
        (Queue([1]), "<Queue: iteration raised RuntimeError>"),
        (dt.datetime(2020, 1, 1, tzinfo=Zone()), "<datetime: its time zone raised RuntimeError>"),
        (dt.time(9, 5, tzinfo=Zone()), "09:05:00.000000"),
        (Disguised(), "<Disguised: reading it raised RuntimeError>"),
        (Exploding, "tests.test_context.Exploding"),
        (Money("1.50"), Decimal("1.50")),
        (Money("3"), 3),
        (Day(2026, 3, 1), "2026-03-01"),
        (Key(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=[
        *("items", "nested items", "iteration", "zone", "zone of a time", "class", "type", "number", "whole number"),
        *("date", "key"),
    ],
)
def test_value_whose_class_fails_never_raises(value: Any, expected: Any) -> None:
    """A marker says what failed, or the base's own method is used; the text of the event can be written."""
    found = typed(value)

    assert (found, type(found)) == (expected, type(expected))
    assert jsontext.loads(jsontext.dumps(found)) == found


def test_error_without_a_text_keeps_its_class() -> None:
    """The class is what conditions ask for."""
    error = type("Broken", (Exploding, ValueError), {})()

    assert typed(error) == {"type": "Broken", "message": "<Broken: __str__ raised RuntimeError>"}


def test_endless_mapping_is_cut() -> None:
    """As many items are taken as are kept."""

    class Endless(dict[int, int]):
        def items(self) -> Any:
            return ((number, number) for number in itertools.count())

    assert len(typed(Endless())) == MAX_ITEMS


def test_naive_datetime_counts_in_the_projects_zone() -> None:
    """A datetime without zone is one of the project's time zone, Europe/Berlin here."""
    assert typed(dt.datetime(2026, 7, 1, 12, 0)) == "2026-07-01T10:00:00.000000Z"


def test_datetime_at_the_edge_of_the_calendar_does_not_raise() -> None:
    """Year 1 east of Greenwich has no UTC form; it is kept as it is."""
    assert typed(dt.datetime(1, 1, 1)) == "0001-01-01T00:00:00.000000Z"


def test_long_text_is_cut_and_says_so() -> None:
    """A 10 MB field is cut to MAX_TEXT_LENGTH, with its true length named."""
    found = typed("x" * 10_000_000)

    assert len(found) < 66_000
    assert found.endswith("… [cut: 10000000 characters]")


def test_cycle_ends_in_a_marker() -> None:
    """A dict that holds itself ends in a marker."""
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle

    assert "nested deeper" in jsontext.dumps(typed(cycle))


@pytest.fixture
def order(db: None) -> Order:
    """An order with a customer, two lines and a tag, read from the database."""
    customer = Customer.objects.create(name="Ada", email="ada@example.com", password="pbkdf2$x", api_token="tok")
    made = Order.objects.create(number="A1", status="paid", total=Decimal("19.99"), customer=customer)
    Line.objects.create(order=made, sku="a", quantity=2)
    Line.objects.create(order=made, sku="b", quantity=3)
    made.tags.add(Tag.objects.create(name="gift"))
    return Order.objects.get(pk=made.pk)


def plan(*paths: str) -> Plan:
    """A plan from dotted paths below ``instance``."""
    return Plan(tuple(path.split(".")) for path in paths)


def test_document_shows_columns_by_attname_and_pk(order: Order) -> None:
    """Without a plan a document has its columns and pk, and no relation."""
    document = ModelDocument(order)

    assert set(document) == {"id", "number", "status", "total", "customer_id", "note", "pk"}
    assert (document["total"], document.get("customer")) == (Decimal("19.99"), None)


def test_document_reads_only_relations_of_the_plan(order: Order, statements: Any) -> None:
    """A relation is read when it is asked for, once, and never without a plan for it."""
    document = ModelDocument(order, plan("customer.name", "lines.sku"))

    with statements() as made:
        assert document.get("status") == "paid"
        assert document.get("tags") is None
    assert len(made.all) == 0
    with statements() as made:
        assert document["customer"]["name"] == "Ada"
        assert document["customer"]["email"] == "ada@example.com"
    assert len(made.all) == 1
    with statements() as made:
        assert [line["sku"] for line in document["lines"]] == ["a", "b"]
    assert len(made.all) == 1


def test_reading_a_relation_leaves_the_hosts_instance_alone(order: Order) -> None:
    """The host's instance has no cached relation after a document has read it."""
    assert ModelDocument(order, plan("customer.name"))["customer"]["name"] == "Ada"

    assert not Order.customer.is_cached(order)


def test_deferred_columns_cost_one_query_and_stay_deferred(order: Order, statements: Any) -> None:
    """All deferred columns come with one SELECT, and the host's instance still defers them."""
    deferred = Order.objects.only("id").get(pk=order.pk)
    document = ModelDocument(deferred)

    with statements() as made:
        assert (document["status"], document["number"], document["total"]) == ("paid", "A1", Decimal("19.99"))
    assert len(made.all) == 1
    assert deferred.get_deferred_fields() == {"number", "status", "total", "customer_id", "note"}


@pytest.mark.parametrize(
    ("values", "key", "expected"),
    [
        ({"total": "19.90"}, "total", Decimal("19.90")),
        ({"customer_id": "5"}, "customer_id", 5),
        ({"total": "much"}, "total", "much"),
        ({"note": "5"}, "note", "5"),
    ],
)
def test_text_in_a_column_of_another_type_reads_as_it_is_stored(
    values: dict[str, Any], key: str, expected: Any
) -> None:
    """Django takes ``total="19.90"`` for a Decimal column, and so does a condition on the fresh instance."""
    assert ModelDocument(Order(**values))[key] == expected


def test_secrets_read_as_stars(order: Order) -> None:
    """Passwords and tokens never enter a document."""
    frozen = freeze(ModelDocument(order, plan("customer.password")))

    assert frozen["customer"]["password"] == "***"
    assert frozen["customer"]["api_token"] == "***"
    assert "pbkdf2" not in json.dumps(frozen, default=str)


def test_event_fields_narrow_columns_but_not_what_expressions_read(order: Order, settings: Any) -> None:
    """EVENT_FIELDS leaves the listed columns, and those that an expression names."""
    settings.RULES_ENGINE = {"EVENT_FIELDS": {"testapp.order": ["number"]}}

    assert set(freeze(ModelDocument(order))) == {"number", "pk"}
    assert set(freeze(ModelDocument(order, plan("total")))) == {"number", "total", "pk"}


def test_to_many_relation_is_capped(order: Order, settings: Any) -> None:
    """At most MAX_RELATED objects of a to-many relation are read."""
    settings.RULES_ENGINE = {"MAX_RELATED": 1}

    assert [line["sku"] for line in ModelDocument(order, plan("lines.sku"))["lines"]] == ["a"]


def test_sql_expression_before_the_save_is_a_condition_error(order: Order) -> None:
    """An F() value has no value before the save; after it, it is read back."""
    order.total = F("total") + 1

    with pytest.raises(ConditionEvaluationError, match="SQL expression"):
        ModelDocument(order, settled=False).get("total")
    order.save()
    assert ModelDocument(order)["total"] == Decimal("20.99")


def test_too_many_reads_are_a_condition_error(db: None) -> None:
    """One event makes a bounded number of queries, however its rules walk relations."""
    top = Untouched.objects.create(name="top")
    for _ in range(60):
        top = Untouched.objects.create(parent=top)
    document: Any = ModelDocument(Untouched.objects.get(pk=top.pk), plan(".".join(["parent"] * 60)))

    with pytest.raises(ConditionEvaluationError, match="More than 50 queries"):
        for _ in range(60):
            document = document["parent"]


def test_path_that_was_not_recorded_is_missing(order: Order) -> None:
    """A relation that no rule used when the event was frozen is unknown, a null column is not."""
    data = {"instance": freeze(ModelDocument(order))}
    known = names_at("instance", Order)

    paths = [("instance", "customer", "name"), ("instance", "note"), ("instance", "status"), ("other",)]
    assert missing_paths(paths, data, known) == [("instance", "customer", "name")]


EXPRESSIONS = [
    "text",
    "whole > `0`",
    "real == `0.5`",
    "money == `19.99`",
    "money > `10` && money < `1000.5`",
    "sum([money, real, whole][?@ != `null`])",
    "at",
    "at > '2026-01-01T00:00:00Z'",
    "day >= '2020-01-01'",
    "lasting > `60`",
    "key",
    "file",
    "blob",
    "data",
    "data.a",
    "data.a[0]",
    "order.status == 'paid'",
    "order.customer.name",
    "order.total",
    "type(money)",
    "to_string(@)",
    "keys(@)",
    "length(keys(order))",
    "not_null(order.note, text)",
    "flag == `true`",
    "order == `null`",
    "[whole, big, real]",
    "{a: money, b: order.number}",
]

finite = st.floats(allow_nan=True, allow_infinity=True)
texts = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


class LiveAndFrozenAgree(HypothesisTestCase):
    """Every expression gives one answer on the live document, the frozen one and the one read back from text."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        values=st.fixed_dictionaries(
            {},
            optional={
                "text": texts,
                "whole": st.integers(-(2**31), 2**31 - 1),
                "big": st.integers(-(2**63), 2**63 - 1),
                "real": finite,
                "money": st.decimals(-(10**13), 10**13, places=6),
                "flag": st.booleans(),
                "at": st.datetimes(timezones=st.timezones()) | st.datetimes(),
                "day": st.dates(),
                "clock": st.times(),
                "lasting": st.timedeltas(),
                "key": st.uuids(),
                "file": texts,
                "blob": st.binary(max_size=10),
                "data": json_values,
            },
        ),
        related=st.booleans(),
    )
    def test_on_real_instances(self, values: dict[str, Any], related: bool) -> None:
        """Holds for unsaved instances with any column values, with and without a relation."""
        order = Order(pk=1, number="A", status="paid", total=Decimal("1.50"), customer=Customer(name="Ada"))
        sample = Sample(**values)
        if related:
            sample.order = order
        conditions = [compile_condition(text) for text in EXPRESSIONS]
        needed = Plan(path for condition in conditions for path in condition.paths)
        live = ModelDocument(sample, needed)
        frozen = freeze(live)
        replayed = jsontext.loads(jsontext.dumps(frozen))

        for condition in conditions:
            outcomes = [self.outcome(condition, document) for document in (live, frozen, replayed)]
            assert outcomes[0] == outcomes[1] == outcomes[2], condition.text

    @staticmethod
    def outcome(condition: Any, document: Any) -> Any:
        """The plain value, or the kind of error."""
        try:
            return freeze(condition.evaluate(document))
        except ValueError as error:
            return type(error).__name__


@pytest.mark.django_db
def test_saved_sample_agrees_with_its_frozen_form() -> None:
    """What the database gives back evaluates as its frozen form does."""
    at = AWARE if django_settings.USE_TZ else AWARE.replace(tzinfo=None)
    Sample.objects.create(
        text="t", whole=1, real=0.5, money=Decimal("19.99"), at=at, day=dt.date(2026, 1, 2), data={"a": [1.5]}
    )
    live = ModelDocument(Sample.objects.get())
    frozen = jsontext.loads(jsontext.dumps(freeze(live)))

    for text in EXPRESSIONS:
        condition = compile_condition(text)
        assert LiveAndFrozenAgree.outcome(condition, live) == LiveAndFrozenAgree.outcome(condition, frozen), text
