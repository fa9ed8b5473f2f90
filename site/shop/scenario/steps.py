"""The steps of the scenario, each an ordinary thing that people do with a shop."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.utils import timezone

from rules_engine.models import Execution
from shop.logins import ADMINISTRATOR, CUSTOMER
from shop.models import Product
from shop.scenario.browser import Browser, BrowserError
from shop.scenario.expectations import LONGEST_WAIT_SECONDS, LOOK_EVERY_SECONDS, Expected, since

TEA, POT = "TEA-01", "POT-01"
POT_STOCK = 12


class Scenario:
    """Runs the steps against a site at ``base`` and collects what the rules should make of them.

    ``tell`` is called with one sentence before each step. Raises BrowserError if the site itself misbehaves.
    """

    def __init__(self, base: str, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.started_at = timezone.now()
        self.expected: list[Expected] = []
        self.visitor = Browser(base)
        self.customer = Browser(base)
        self.administrator = Browser(base)

    def run(self) -> list[Expected]:
        """Do everything; return what was expected of the rules."""
        self.administrator_logs_in()
        self.administrator_edits_products()
        self.cached_page_is_refreshed()
        self.stranger_fails_to_log_in()
        paid = self.customer_orders_on_the_page()
        self.customer_pays_through_the_api(paid)
        cancelled = self.customer_orders_much_through_the_api()
        self.customer_cancels_on_the_page(cancelled)
        self.visitor_changes_tags(cancelled)
        self.visitor_counts_the_stock()
        self.page_crashes()
        self.inbox_is_down_for_a_while()
        return self.expected

    def administrator_logs_in(self) -> None:
        self.tell("The administrator logs in to the admin.")
        self.administrator.log_in("/admin/login/", ADMINISTRATOR.username, ADMINISTRATOR.password)
        if 'aria-pressed="true"' in self.administrator.get("/inbox/").text:
            self.tell("The inbox was left at 503: it is switched back.")
            self._press(self.administrator, "inbox")

    def administrator_edits_products(self) -> None:
        self.tell("The administrator edits two products in the admin: price and stock.")
        self._edit(TEA, price="12.90", stock=40)
        self._edit(POT, price="49.00", stock=POT_STOCK)

    def cached_page_is_refreshed(self) -> None:
        self.tell("A visitor opens the product page twice; then the price changes, and the page must be fresh.")
        self._settle()
        self._product_page(TEA)
        if self._product_page(TEA) != "hit":
            raise BrowserError("The product page was opened twice and did not come from the cache.")
        self._edit(TEA, price="13.10", stock=40)
        self._settle()
        if self._product_page(TEA) != "miss":
            raise BrowserError("The product's price changed and its page still came from the cache.")

    def stranger_fails_to_log_in(self) -> None:
        self.tell("A stranger guesses a password, wrong.")
        page = self.visitor.get("/accounts/login/")
        self.visitor.submit(page, page.form("username"), {"username": "mallory", "password": "guessed"})
        self._expect("failed-log-in", "log", "log-in as mallory")

    def customer_orders_on_the_page(self) -> str:
        self.tell("Carl logs in and places an order on the page.")
        self.customer.log_in("/accounts/login/", CUSTOMER.username, CUSTOMER.password)
        page = self.customer.get("/orders/")
        answer = self.customer.submit(page, page.form("sku", "quantity"), {"sku": TEA, "quantity": 2})
        number = answer.url.rstrip("/").rpartition("/")[2]
        self._expect("thank-customer", "email", f"order {number}", Execution.State.SHADOW)
        self._expect("refresh-product-page", "cache_delete", f"product {TEA}")
        return number

    def customer_pays_through_the_api(self, number: str) -> None:
        self.tell(f"Carl pays order {number} through the API.")
        self.customer.call("POST", f"/shop/api/orders/{number}/pay/")
        self._expect("paid-order-webhook", "webhook", f"order {number}")
        self._settle()
        key = next(row.pk for row in since(self.started_at) if row.rule_slug == "paid-order-webhook")
        inbox = self.visitor.get("/inbox/").text
        if str(key) not in inbox or "signature verified" not in inbox:
            raise BrowserError(f"The inbox does not show webhook {key} with a verified signature.")

    def customer_orders_much_through_the_api(self) -> str:
        self.tell("Carl orders nine teapots through the API: three are left on the shelf.")
        lines = [{"sku": POT, "quantity": 9}]
        number = str(self.customer.call("POST", "/shop/api/orders/", {"lines": lines}, status=201)["number"])
        self._expect("thank-customer", "email", f"order {number}", Execution.State.SHADOW)
        self._expect("low-stock", "log", f"product {POT}")
        self._expect("low-stock", "email", f"product {POT}")
        self._expect("refresh-product-page", "cache_delete", f"product {POT}")
        return number

    def customer_cancels_on_the_page(self, number: str) -> None:
        self.tell(f"Carl cancels order {number} on its page.")
        page = self.customer.get(f"/orders/{number}/")
        self.customer.submit(page, page.form(action=f"/orders/{number}/cancel/"))
        self._expect("cancelled-order-mail", "email", f"order {number}")
        self._expect("refresh-product-page", "cache_delete", f"product {POT}")
        self._settle()
        if f"Order {number} was cancelled" not in self.visitor.get("/mail/").text:
            raise BrowserError(f"The mail page does not show the mail about order {number}.")

    def visitor_changes_tags(self, number: str) -> None:
        self.tell(f"A visitor changes the tags of order {number} on the home page.")
        self._press(self.visitor, "tags")
        self._expect("tags-changed", "log", f"order {number}")

    def visitor_counts_the_stock(self) -> None:
        self.tell("A visitor counts the teapots: one is missing.")
        self._press(self.visitor, "count", {"count-sku": POT, "count-stock": POT_STOCK - 1})
        self._expect("stock-differs", "log", f"product {POT}")
        self._expect("refresh-product-page", "cache_delete", f"product {POT}")

    def page_crashes(self) -> None:
        self.tell("A visitor opens a page that crashes.")
        self.visitor.get("/crash/", status=500)
        self._expect("page-crashed", "log", "page /crash/")

    def inbox_is_down_for_a_while(self) -> None:
        self.tell("The inbox is switched to 503; Carl places and pays one more order; the webhook has to wait.")
        self._press(self.visitor, "inbox")
        page = self.customer.get("/orders/")
        answer = self.customer.submit(page, page.form("sku", "quantity"), {"sku": TEA, "quantity": 1})
        number = answer.url.rstrip("/").rpartition("/")[2]
        self.customer.submit(answer, answer.form(action=f"/orders/{number}/pay/"))
        self._expect("thank-customer", "email", f"order {number}", Execution.State.SHADOW)
        self._expect("refresh-product-page", "cache_delete", f"product {TEA}")
        self._expect("paid-order-webhook", "webhook", f"order {number}", attempts=2)
        refused = self._wait(lambda: any(row.attempts_made and not row.is_finished for row in since(self.started_at)))
        self.tell(
            "The webhook was refused once: the inbox is switched back." if refused else "No webhook was refused."
        )
        self._press(self.visitor, "inbox")

    def _edit(self, sku: str, *, price: str, stock: int) -> None:
        """Change a product through its form in the admin."""
        key = Product.objects.get(sku=sku).pk
        page = self.administrator.get(f"/admin/shop/product/{key}/change/")
        form = page.form("sku", "price", "stock")
        answer = self.administrator.submit(page, form, {"price": price, "stock": stock})
        if answer.url == page.url:
            raise BrowserError(f"The admin did not take the new values of {sku}.")
        self._expect("refresh-product-page", "cache_delete", f"product {sku}")

    def _press(self, browser: Browser, button: str, values: dict[str, object] | None = None) -> None:
        """Press a button of the home page."""
        page = browser.get("/")
        browser.submit(page, page.form(action=f"/press/{button}/"), values)

    def _product_page(self, sku: str) -> str:
        text = self.visitor.get(f"/products/{sku}/").text
        return "hit" if 'class="state hit"' in text else "miss"

    def _expect(
        self, rule: str, action: str, about: str, state: str = Execution.State.SUCCEEDED, *, attempts: int = 0
    ) -> None:
        self.expected.append(Expected(rule, action, about, state, attempts))

    def _settle(self) -> None:
        """Wait until the rules have nothing left to do."""
        self._wait(lambda: all(row.is_finished for row in since(self.started_at)))

    @staticmethod
    def _wait(done: Callable[[], bool]) -> bool:
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while not done():
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_EVERY_SECONDS)
        return True
