"""The OpenAPI document and the page that shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import override_settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.validation import validate_schema

from rules_engine.actions import all_actions
from rules_engine.api import schema, urls
from rules_engine.models import Event
from tests.api.conftest import Api
from tests.fixtures import MakeRule
from tests.testapp.models import Order

GOLDEN = Path(__file__).parent / "openapi.yml"


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The document over the built-in actions alone; other tests register further ones."""
    builtin = [(kind, cls) for kind, cls in all_actions() if "." not in kind]
    monkeypatch.setattr(schema, "all_actions", lambda: builtin)
    return schema.generate(urls.described)


def test_document_is_the_accepted_one(document: dict[str, Any]) -> None:
    """A change of the API is seen in review: the document is committed."""
    made = OpenApiYamlRenderer().render(document).decode()  # type: ignore[no-untyped-call]
    if GOLDEN.exists() and GOLDEN.read_text() == made:
        return

    fresh = Path(settings.BASE_DIR) / "var" / "openapi.yml"
    fresh.write_text(made)
    pytest.fail(f"The OpenAPI document changed. If that is meant: mv {fresh} {GOLDEN}")


def test_document_is_valid_and_made_without_a_warning(document: dict[str, Any]) -> None:
    """drf-spectacular has nothing to remark, and the document is OpenAPI 3.1."""
    assert not GENERATOR_STATS
    assert document["openapi"] == "3.1.1"
    validate_schema(document)  # type: ignore[no-untyped-call]


def test_document_makes_operation_ids_once(document: dict[str, Any]) -> None:
    """Generated clients name their functions by these."""
    found = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert len(found) == len(set(found))
    assert {"rules_list", "rules_partial_update", "rules_dry_run", "executions_retry", "signals_retrieve"} <= set(
        found
    )


def test_document_tells_every_error(document: dict[str, Any]) -> None:
    """Clients learn of what may go wrong from the document."""
    change = document["paths"]["/rules/{slug}/"]["patch"]
    retry = document["paths"]["/executions/{id}/retry/"]["post"]

    assert set(change["responses"]) == {"200", "400", "401", "403", "404", "409", "412"}
    assert set(retry["responses"]) == {"200", "401", "403", "404", "409"}
    assert "If-Match" in {parameter["name"] for parameter in change["parameters"]}


def test_actions_are_told_apart_by_their_kind(document: dict[str, Any]) -> None:
    """Each kind is a component of its own with the schema of its configuration."""
    components = document["components"]["schemas"]
    action = components["ActionRequest"]

    assert action["discriminator"]["propertyName"] == "kind"
    assert action["discriminator"]["mapping"]["webhook"] == "#/components/schemas/WebhookActionRequest"
    assert len(action["oneOf"]) == len(action["discriminator"]["mapping"])
    assert components["WebhookConfig"]["required"] == ["url"]
    assert "position" not in components["WebhookActionRequest"]["properties"]
    assert "position" in components["WebhookAction"]["properties"]


@pytest.mark.django_db
def test_real_answers_fit_the_document(api: Api, make_rule: MakeRule, document: dict[str, Any]) -> None:
    """What the API answers is what the document says."""
    make_rule(mode="shadow")
    Order.objects.create()
    event = Event.objects.get()
    execution = event.executions.get()
    paths = {
        "/rules/": "rules/",
        "/rules/{slug}/": "rules/paid-orders/",
        "/rules/{slug}/versions/": "rules/paid-orders/versions/",
        "/events/": "events/",
        "/events/{id}/": f"events/{event.pk}/",
        "/executions/": "executions/",
        "/executions/{id}/": f"executions/{execution.pk}/",
        "/signals/": "signals/",
        "/signals/{key}/": "signals/post_save/",
        "/actions/": "actions/",
        "/actions/{key}/": "actions/webhook/",
        "/functions/": "functions/",
    }
    for template, path in paths.items():
        answer = document["paths"][template]["get"]["responses"]["200"]
        shape = answer["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**shape, "components": document["components"]}).validate(api.get(path).body)
    assert set(paths) == {path for path, operations in document["paths"].items() if "get" in operations}


@pytest.mark.django_db
def test_schema_is_served_as_json_and_yaml(api: Api) -> None:
    """JSON unless YAML is asked for; the server is where the API is mounted."""
    as_json = api.get("schema/")
    as_yaml = api.get("schema/?format=yaml")

    assert as_json.response["Content-Type"] == "application/json"
    assert as_json.body["servers"] == [{"url": "/rules-api"}]
    assert yaml.safe_load(as_yaml.text) == json.loads(as_json.text)
    assert api.get("schema/", accept="application/vnd.oai.openapi+json").body == as_json.body
    assert api.get("schema/", accept="text/html,*/*;q=0.8").status == 200


def test_document_of_the_host_can_hold_the_api() -> None:
    """A host that describes its whole site gets these addresses too, each with a name of its own."""
    made = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]

    found = [
        operation["operationId"]
        for path, operations in made["paths"].items()
        if path.startswith("/rules-api/")
        for operation in operations.values()
    ]
    assert "rules_list" in found
    assert not GENERATOR_STATS
    own = schema.generate(urls.described)
    assert len(found) == len(set(found)) == sum(len(operations) for operations in own["paths"].values())


@pytest.mark.django_db
def test_schema_leaves_the_hosts_settings_alone(api: Api) -> None:
    """The settings of drf-spectacular are the host's again afterwards."""
    before = (spectacular_settings.OAS_VERSION, spectacular_settings.TITLE)
    schema._made.clear()

    assert api.get("schema/").body["info"]["title"] == "Rules engine"
    assert before == (spectacular_settings.OAS_VERSION, spectacular_settings.TITLE)


@pytest.mark.django_db
def test_docs_page_uses_files_of_this_site_alone(api: Api) -> None:
    """Every file of the page is served here, and there is no inline script or style for a policy to refuse."""
    page = api.get("docs/").text

    files = [part.split('"')[0] for part in page.replace("href=", "src=").split('src="')[1:]]
    static = [name.removeprefix("/static/") for name in files if name.startswith("/static/")]
    assert len(static) == 4
    assert all(finders.find(name) for name in static)
    assert [name for name in files if not name.startswith("/static/")] == ["/rules-api/schema/?format=json"]
    assert "<style" not in page
    assert "<script>" not in page
    assert "//" not in page.replace("<!DOCTYPE html>", "")
    assert 'data-csrf-header="X-CSRFTOKEN"' in page


@pytest.mark.django_db
def test_docs_page_without_the_static_files_says_what_to_add(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that could only stay empty tells why."""
    installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "drf_spectacular_sidecar" and installed(name))

    page = api.get("docs/").text

    assert 'add <code>"drf_spectacular_sidecar"</code> to <code>INSTALLED_APPS</code>' in page
    assert "<script" not in page


@pytest.mark.django_db
@override_settings(LANGUAGE_CODE="de")
def test_document_is_the_same_in_every_language(document: dict[str, Any], api: Api) -> None:
    """Clients are generated from it: names do not depend on who asks."""
    schema._made.clear()

    answer = api.get("schema/", accept_language="de").body

    assert answer["info"] == document["info"]
    assert answer["components"]["schemas"].keys() == document["components"]["schemas"].keys()


@pytest.mark.parametrize("name", ["rules", "events", "executions"])
def test_reference_names_every_parameter_and_ordering(document: dict[str, Any], name: str) -> None:
    """The page and the document name the same parameters and orderings of each list."""
    listed = {item["name"]: item for item in document["paths"][f"/{name}/"]["get"]["parameters"]}
    page = (Path(settings.BASE_DIR) / "docs" / "reference" / "api.md").read_text()
    filters, orderings = (
        line.split("|")[2].replace("`", "").replace(" ", "").split(",")
        for line in page.splitlines()
        if line.startswith(f"| `{name}/` | `")
    )

    assert set(filters) == set(listed) - {"ordering", "page", "page_size"}
    assert {f"{sign}{item}" for item in orderings for sign in ("", "-")} == set(
        listed["ordering"]["schema"]["items"]["enum"]
    )
