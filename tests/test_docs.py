"""The documentation: links, snippets and generated parts hold."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import types
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from docs import generate
from rules_engine import conf
from rules_engine.actions import build_action, default_run
from rules_engine.actions.registry import _actions
from rules_engine.catalog.registry import _signals
from rules_engine.conditions import check_traps, compile_condition
from rules_engine.conditions.registry import functions
from rules_engine.events import Event
from rules_engine.exceptions import ActionRefused
from rules_engine.models import Execution, Rule
from rules_engine.registry import Registry
from rules_engine.templating import compile_template
from rules_engine.testing import drain_now, rules_loaded

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LARGEST_IMAGE = 200_000

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Snippet:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def snippets(page: Path) -> list[Snippet]:
    """The fenced blocks of a page."""
    source = page.read_text(encoding="utf-8")
    return [
        Snippet(page, source.count("\n", 0, found.start()) + 1, found["language"], dedent(found["text"]))
        for found in FENCE.finditer(source)
    ]


ALL = [snippet for page in PAGES for snippet in snippets(page)]


def of(language: str) -> pytest.MarkDecorator:
    """Parametrise a test over the snippets in one language."""
    found = [snippet for snippet in ALL if snippet.language == language]
    assert found, f"no page has a snippet in {language}"
    return pytest.mark.parametrize("snippet", found, ids=str)


def prose(page: Path) -> str:
    """A page without its code, in which brackets mean nothing."""
    return INLINE_CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))


def snippet_of(page: str, first_words: str) -> str:
    """The one Python block of a page that holds these words."""
    (found,) = [item.text for item in snippets(ROOT / page) if item.language == "python" and first_words in item.text]
    return found


# --- pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", generate.pages(), ids=lambda page: page.name)
def test_generated_parts_are_fresh(page: Path) -> None:
    """The generated parts of the reference say what the code says."""
    text = page.read_text(encoding="utf-8")

    assert generate.fresh(text) == text, "the code has changed: run `.venv/bin/python docs/generate.py`"


def test_every_generated_part_stands_in_a_page() -> None:
    """Nothing is generated for nobody."""
    used = {found["name"] for page in generate.pages() for found in generate.REGION.finditer(page.read_text("utf-8"))}

    assert used == generate.PARTS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file or a heading of this repository resolves; every image is there and light."""
    for found in LINK.finditer(prose(page)):
        target, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name} links to {found['target']}, which is not there"
        if anchor:
            assert anchor in anchors(path), f"{page.name} links to {found['target']}: no such heading"
        if path.suffix == ".png":
            assert path.stat().st_size < LARGEST_IMAGE, f"{target} has {path.stat().st_size} bytes: make it smaller"


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get: lower case, without punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to every page below docs/, and every image is shown by some page."""
    index = {(DOCS / found["target"]).resolve() for found in LINK.finditer((DOCS / "README.md").read_text("utf-8"))}
    shown = {(page.parent / found["target"]).resolve() for page in PAGES for found in LINK.finditer(prose(page))}

    assert set(DOCS.rglob("*.md")) - index == {DOCS / "README.md"}
    assert set((DOCS / "images").iterdir()) - shown == set()


def test_pages_name_no_path_of_a_machine() -> None:
    """A reader's machine is not the writer's."""
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(home|root|work|Users)/", page.read_text(encoding="utf-8")), page


def test_readme_holds_the_test_command_under_its_heading() -> None:
    """CI runs what the README says."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Running the tests\n")[2]

    assert [found["text"] for found in FENCE.finditer(section.partition("\n## ")[0])] == ["make test\n"]


# --- the reference is complete ----------------------------------------------------------------------------


def test_every_setting_has_a_line() -> None:
    """Each setting and each key of OUTBOUND says what it means and stands on the settings page."""
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    docs = {name: item.doc for name, item in conf.declared().items()}
    docs |= {name: doc for name, (_, _, doc) in conf.OUTBOUND_KEYS.items()}
    for name, doc in docs.items():
        assert len(doc) > 20, f"{name} is not explained"
        assert f"| `{name}` |" in page, name


def test_every_setting_that_a_page_names_exists() -> None:
    """Keys in blocks that assign RULES_ENGINE, and every RULES_ENGINE["…"] in the text, are settings."""
    named = [key for item in ALL if item.language == "python" for key in assigned_keys(item.text)]
    quoted = re.compile(r'RULES_ENGINE\["(\w+)"\](?:\["(\w+)"\])?')
    named += [key for page in PAGES for found in quoted.findall(page.read_text("utf-8")) for key in found if key]

    assert len(named) > 15
    assert set(named) - conf.declared().keys() - conf.OUTBOUND_KEYS.keys() == set()


def assigned_keys(text: str) -> Iterator[str]:
    """The keys of dicts assigned to RULES_ENGINE, those of OUTBOUND included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RULES_ENGINE":
            assert isinstance(node.value, ast.Dict)
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                yield ast.literal_eval(key)  # type: ignore[arg-type]
                if ast.literal_eval(key) == "OUTBOUND" and isinstance(value, ast.Dict):  # type: ignore[arg-type]
                    yield from (ast.literal_eval(inner) for inner in value.keys)  # type: ignore[arg-type]


def test_every_state_mode_and_check_is_explained() -> None:
    """The words that a person meets in the history stand in the reference."""
    states = (DOCS / "reference" / "states.md").read_text(encoding="utf-8")
    for word in [*Execution.State.values, *Rule.Mode.values]:
        assert f"| `{word}` |" in states, word
    ids = set(re.findall(r"rules_engine\.[EW]\d{3}", (ROOT / "rules_engine" / "checks.py").read_text("utf-8")))
    checks = (DOCS / "reference" / "checks.md").read_text(encoding="utf-8")
    assert {found for found in ids if f"| `{found}` |" not in checks} == set()


def test_every_address_of_the_api_is_listed() -> None:
    """The API page names each route, its parameters written as {name}."""
    from django.urls import URLPattern, URLResolver

    from rules_engine.api import urls

    def routes(patterns: Any, prefix: str = "") -> Iterator[str]:
        for item in patterns:
            route = prefix + str(item.pattern)
            if isinstance(item, URLResolver):
                yield from routes(item.url_patterns, route)
            elif isinstance(item, URLPattern):
                yield re.sub(r"<\w+:\w+>", lambda found: f"{{{found[0][1:-1].partition(':')[2]}}}", route)

    page = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    found = {route.replace("{pk}", "{id}") or "/" for route in routes(urls.urlpatterns)}
    found.discard("{rest}")  # no address: it answers 404 for whatever is none
    assert {route for route in found if f"`{route}`" not in page} == set()


# --- snippets ---------------------------------------------------------------------------------------------


@of("python")
def test_python_snippet_compiles(snippet: Snippet) -> None:
    """It compiles, and what it imports from the engine is there."""
    tree = ast.parse(snippet.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rules_engine":
            module = import_module(node.module or "")
            names = [alias.name for alias in node.names]
            missing = [name for name in names if not hasattr(module, name) and not is_module(f"{node.module}.{name}")]
            assert missing == [], f"{node.module} has no {', '.join(missing)}"


def is_module(name: str) -> bool:
    """Whether a dotted name is a module."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@of("jmespath")
def test_condition_snippet_compiles_and_holds_no_trap(snippet: Snippet) -> None:
    """Each line is a condition that could be saved."""
    for line in snippet.text.splitlines():
        compile_condition(line)
        assert check_traps(line) == []


@of("django")
def test_template_snippet_compiles(snippet: Snippet) -> None:
    """It is a template that a rule may hold."""
    compile_template(snippet.text)


@of("json")
def test_json_snippet_is_json(snippet: Snippet) -> None:
    """It can be pasted."""
    json.loads(snippet.text)


@of("bash")
def test_shell_snippet_is_shell(snippet: Snippet) -> None:
    """A shell can read it."""
    done = subprocess.run(["bash", "-n"], input=snippet.text, text=True, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr


def test_traps_of_the_conditions_page_are_refused() -> None:
    """What the tables call wrong is refused; what they give instead may be saved."""
    page = (DOCS / "reference" / "conditions.md").read_text(encoding="utf-8")
    section = page.partition("## Beginner's traps")[2].partition("\n## ")[0]
    rows = [
        [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    assert len(rows) > 10
    for row in rows:
        for wrong in inline_codes(row[0]):
            assert check_traps(wrong), f"{wrong} is not refused"
        if len(row) == 3:
            for right in inline_codes(row[2]):
                assert check_traps(right) == [], right


def inline_codes(cell: str) -> list[str]:
    """What stands between backticks, single or double."""
    return [found[2].strip() for found in re.finditer(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", cell)]


# --- snippets that run ------------------------------------------------------------------------------------


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that runs a snippet as a module; what it registers is forgotten afterwards."""
    registries: list[Registry[Any]] = [_actions, _signals, functions]
    before = [set(registry) for registry in registries]

    def run(text: str, name: str = "shop.rules") -> types.ModuleType:
        module = types.ModuleType(name)
        # Annotations are looked up where the module can be found.
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(text, f"<{name}>", "exec"), module.__dict__)
        return module

    yield run
    for registry, known in zip(registries, before, strict=True):
        for key in set(registry) - known:
            registry.remove(key)


class GiftCards:
    """Stands for the shop's model of gift cards."""

    made: dict[UUID, dict[str, Any]]
    objects: GiftCards

    def get_or_create(self, key: UUID, defaults: dict[str, Any]) -> None:
        """Make a card unless there is one with this key."""
        self.made.setdefault(key, defaults)


@pytest.fixture
def gift_cards(monkeypatch: pytest.MonkeyPatch) -> GiftCards:
    """What ``from shop.models import GiftCard`` gives."""
    cards = GiftCards()
    cards.made, cards.objects = {}, cards
    module = types.ModuleType("shop.models")
    module.GiftCard = cards  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop.models", module)
    return cards


def an_event(**instance: Any) -> Event:
    """An event about an order."""
    return Event(
        id=UUID(int=1),
        signal="post_save",
        sender="shop.order",
        object_id="7",
        created_at=timezone.now(),
        data={"instance": {"pk": 7, "number": "1007", **instance}},
        text="",
    )


@pytest.mark.parametrize("page", ["README.md", "docs/howto/add-an-action.md"])
def test_example_of_an_action_runs_twice_and_gives_one_card(page: str, load: Any, gift_cards: GiftCards) -> None:
    """The action of the README and of the guide is registered, configured by its schema, and idempotent."""
    load(snippet_of(page, '@register_action("shop.gift_card")'))
    action = build_action("shop.gift_card", {"amount": 25})
    lines = [action.run(an_event(customer_id=3), default_run()) for _ in range(2)]

    assert lines == ["25 euros for customer 3"] * 2
    assert [card["amount"] for card in gift_cards.made.values()] == [25]


def test_guide_on_actions_shows_how_to_refuse(load: Any, gift_cards: GiftCards) -> None:
    """Without a customer it is refused for good; the further check belongs into the class."""
    page = "docs/howto/add-an-action.md"
    text = snippet_of(page, '@register_action("shop.gift_card")')
    method = snippet_of(page, "def problems(self)")
    module = load(text + "\n" + "".join(f"    {line}\n" for line in method.splitlines()))
    action = module.SendGiftCard(amount=25)

    with pytest.raises(ActionRefused, match=r"^The order has no customer\.$"):
        action.run(an_event(customer_id=None), default_run())
    assert module.SendGiftCard(amount=7).problems() == [(("amount",), "Gift cards come in steps of 5 euros.")]


@pytest.mark.django_db
def test_example_of_a_signal_reaches_a_rule(load: Any, make_rule: Any) -> None:
    """The signal of the README is in the catalogue, and a rule on it runs."""
    module = load(snippet_of("README.md", '"shop.order_paid"'))
    actions = [{"kind": "log", "config": {"message": "{{ number }}: {{ amount }}"}}]
    make_rule(signal="shop.order_paid", sender="", condition="amount > `50`", actions=actions)
    module.order_paid.send(sender="checkout", number="1007", amount=99)
    module.order_paid.send(sender="checkout", number="1008", amount=10)
    drain_now()

    assert [(row.state, row.note, row.event.sender) for row in Execution.objects.all()] == [
        ("succeeded", "info: 1007: 99", "checkout")
    ]


@pytest.mark.django_db
def test_rule_of_the_readme_logs_a_log_in(load: Any, client: Any) -> None:
    """The rule that the README makes in Python runs when a staff user logs in."""
    load(snippet_of("README.md", "Log staff log-ins"), "made")
    for name, is_staff in [("rita", True), ("carl", False)]:
        user = get_user_model().objects.create_user(name, password=name, is_staff=is_staff)
        with rules_loaded():
            assert client.login(username=user.get_username(), password=name)
    drain_now()

    assert [row.note for row in Execution.objects.all()] == ["warning: rita logged in."]


def in_test_app(text: str) -> str:
    """The shop of the pages is the app of the suite, which has the same names."""
    return text.replace("shop.models", "tests.testapp.models").replace("shop.order", "testapp.order")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "words"),
    [("test-your-rules.md", "class CancelledOrders"), ("use-with-testcase.md", "class Orders")],
)
def test_test_case_of_a_guide_passes(page: str, words: str, load: Any, settings: Any) -> None:
    """The guides' own tests pass as they stand, in a project that sets nothing."""
    settings.RULES_ENGINE = {}
    module = load(in_test_app(snippet_of(f"docs/howto/{page}", words)), "guide")
    suite = unittest.TestLoader().loadTestsFromModule(module)
    result = suite.run(unittest.TestResult())

    assert [trace for _, trace in [*result.errors, *result.failures]] == []
    assert result.testsRun > 0


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/howto/test-your-rules.md", "default_run"),
        ("docs/howto/test-your-rules.md", "assert not condition.matches"),
        ("docs/reference/python-api.md", "RuleSet("),
    ],
)
def test_snippet_with_assertions_holds(page: str, words: str, load: Any) -> None:
    """What a page asserts is so."""
    load(snippet_of(page, words), "asserted")


def test_registrations_of_the_reference_work(load: Any) -> None:
    """The three registrations of the Python API page register what they say."""
    page = "docs/reference/python-api.md"
    for words in ("@register_action(", '"shop.stock_was_counted"', "@register_function("):
        load(snippet_of(page, words))

    assert (
        build_action("shop.page", {"team": "night", "text": "{{ instance.number }}"}).run(an_event(), default_run())
        == "paged night"
    )
    assert "shop.stock_was_counted" in _signals
    assert compile_condition("is_weekend(day)").matches({"day": "2026-11-21T09:30:00.000000Z"})


@pytest.mark.django_db
def test_emit_of_the_reference_reaches_a_rule(load: Any, make_rule: Any) -> None:
    """The loop over paid orders makes one event for each."""
    from tests.testapp.models import Order

    Order.objects.bulk_create([Order(number="1", status="paid"), Order(number="2")])
    make_rule()
    load(in_test_app(snippet_of("docs/reference/python-api.md", "from rules_engine import emit")), "emitting")

    assert Execution.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_commands_of_the_api_guide_work(live_server: Any, make_rule: Any) -> None:
    """The guide's commands run one after the other: make, try, change, be refused when stale, retry, delete."""
    if not shutil.which("curl"):
        pytest.skip("needs curl: install it to run this test")
    from tests.testapp.models import Order

    get_user_model().objects.create_superuser("admin", password="admin")
    make_rule()
    Order.objects.create(number="1")
    failed = Execution.objects.get()
    Execution.objects.update(state=Execution.State.FAILED, finished_at=timezone.now())
    guide = DOCS / "howto" / "use-the-rest-api.md"
    script = "\n".join(item.text for item in snippets(guide) if item.language == "bash")
    script = script.replace("http://127.0.0.1:8000", live_server.url).replace("shop.order", "testapp.order")
    done = subprocess.run(
        ["bash", "-euo", "pipefail"], input=script, text=True, capture_output=True, timeout=60, check=False
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert '"code":"stale_rule"' in done.stdout
    assert '"mode":"live"' in done.stdout
    failed.refresh_from_db()
    assert failed.state == Execution.State.SUCCEEDED
    assert not Rule.objects.filter(slug="log-paid-orders").exists()
