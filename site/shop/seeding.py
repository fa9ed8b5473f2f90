"""Fills the demo's database; doing it again changes nothing that a visitor made."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Q

from rules_engine.models import Rule, RuleAction, recording
from shop.logins import ADMINISTRATOR, CUSTOMER, EDITOR, Login
from shop.models import Customer, Product, Tag
from shop.seeded_rules import HOOK_PATH, SeededRule, inbox_url, seeded_rules

PRODUCTS = [
    ("TEA-01", "Assam, 250 g", "12.90", 40),
    ("TEA-02", "Sencha, 100 g", "18.50", 25),
    ("POT-01", "Teapot of clay", "49.00", 12),
    ("CUP-04", "Four cups", "31.20", 18),
    ("TIN-01", "Tin with a lid", "7.80", 60),
]
CUSTOMERS = [("Dora Quist", "dora@demo.example"), ("Emil Brandt", "emil@demo.example")]
TAGS = ["express", "gift"]


@transaction.atomic
def seed(port: int, *, reset_rules: bool = False) -> list[str]:
    """Make people, products and rules that are missing; return what was done, one line each.

    A rule that is there already stays as somebody left it, but for the port of its inbox address;
    ``reset_rules`` puts the seeded ones back to how they began.
    """
    # First of all: what comes after it may load the rules, which must not call a port that is not this site's.
    done = _move_inboxes(port) + _people() + _goods()
    admin = User.objects.get(username=ADMINISTRATOR.username)
    with recording(by=admin):
        for seeded in seeded_rules(port):
            done += _rule(seeded, reset=reset_rules)
    return done


def _people() -> list[str]:
    users = {login.username: _user(login) for login in (ADMINISTRATOR, EDITOR, CUSTOMER)}
    User.objects.filter(username=ADMINISTRATOR.username).update(is_staff=True, is_superuser=True)
    User.objects.filter(username=EDITOR.username).update(is_staff=True)
    users[EDITOR.username][0].groups.add(_editors())
    customers = [
        Customer.objects.get_or_create(
            email=CUSTOMER.email, defaults={"name": "Carl Vesper", "user": users[CUSTOMER.username][0]}
        ),
        *(Customer.objects.get_or_create(email=email, defaults={"name": name}) for name, email in CUSTOMERS),
    ]
    made = [f"user {user}" for user, new in users.values() if new]
    return made + [f"customer {customer}" for customer, new in customers if new]


def _user(login: Login) -> tuple[User, bool]:
    user, new = User.objects.get_or_create(username=login.username, defaults={"email": login.email})
    # The home page shows this password: it must be the right one whatever became of it. Setting it anew each time
    # would end the user's sessions.
    if not user.check_password(login.password):
        user.set_password(login.password)
        user.save(update_fields=["password"])
    return user, new


def _editors() -> Group:
    """Those who may do everything with rules and look at the shop."""
    group, _ = Group.objects.get_or_create(name="Rules editors")
    of_rules = Q(content_type__app_label="rules_engine")
    of_shop = Q(content_type__app_label="shop", codename__startswith="view_")
    group.permissions.set(Permission.objects.filter(of_rules | of_shop))
    return group


def _goods() -> list[str]:
    done = []
    for sku, name, price, pieces in PRODUCTS:
        values = {"name": name, "price": Decimal(price), "stock": pieces}
        if Product.objects.get_or_create(sku=sku, defaults=values)[1]:
            done.append(f"product {sku}")
    return done + [f"tag {name}" for name in TAGS if Tag.objects.get_or_create(name=name)[1]]


def _rule(seeded: SeededRule, *, reset: bool) -> list[str]:
    rule = Rule.objects.filter(slug=seeded.slug).first()
    if rule is None:
        _write(Rule(slug=seeded.slug), seeded)
        return [f"rule {seeded.slug}"]
    if reset:
        _write(rule, seeded)
        return [f"rule {seeded.slug} as it began"]
    return []


def _write(rule: Rule, seeded: SeededRule) -> None:
    for name in ("name", "description", "signal", "sender", "condition", "mode"):
        setattr(rule, name, getattr(seeded, name))
    rule.full_clean()
    rule.save()
    rule.actions.all().delete()
    for position, (kind, config) in enumerate(seeded.actions, start=1):
        action = RuleAction(rule=rule, position=position, kind=kind, config=config)
        action.full_clean()
        action.save()


def _move_inboxes(port: int) -> list[str]:
    """Let webhooks of seeded rules to the demo's inbox follow the port on which the site now listens."""
    done = []
    slugs = [seeded.slug for seeded in seeded_rules(port)]
    admin = User.objects.filter(username=ADMINISTRATOR.username).first()
    with recording(by=admin):
        for action in RuleAction.objects.filter(kind="webhook", rule__slug__in=slugs).select_related("rule"):
            url = str(action.config.get("url", ""))
            if url.startswith("http://127.0.0.1:") and url.endswith(HOOK_PATH) and url != inbox_url(port):
                action.config = {**action.config, "url": inbox_url(port)}
                action.full_clean()
                action.save()
                done.append(f"rule {action.rule.slug}: the inbox is now at port {port}")
    return done
