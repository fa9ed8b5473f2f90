"""Walks through the tutorial on a running demo and takes its pictures: ``python docs/screenshots.py [address]``.

Needs Playwright, Chromium, and a demo that was just started with ``make demo`` on a new database.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
CHROMIUM = "/usr/bin/chromium"
RULE = "Thank for a large order"
CONDITION = "instance.status == 'paid' && instance.total > `30`"
LOWER = "instance.status == 'paid' && instance.total > `10`"
MAIL = {
    "To": "{{ instance.customer.email }}",
    "Subject": "Thank you for order {{ instance.number }}",
    "Body": "Dear {{ instance.customer.name }},\n\nyou spent {{ instance.total }}. Thank you!\n",
}


def main() -> None:
    """Do what the tutorial says, step by step."""
    base = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000").rstrip("/")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shop = browser.new_page(viewport={"width": 1320, "height": 860})
        admin = browser.new_context(viewport={"width": 1180, "height": 800}).new_page()
        Tutorial(base, shop, admin).run()
        browser.close()


class Tutorial:
    """A visitor of the shop in one window, and Rita in the admin in another."""

    def __init__(self, base: str, shop: Page, admin: Page) -> None:
        self.base, self.shop, self.admin = base, shop, admin

    def run(self) -> None:
        self.open_the_shop()
        self.make_the_rule()
        self.see_it_in_shadow()
        self.go_live()
        self.change_the_condition()

    def open_the_shop(self) -> None:
        self.shop.goto(f"{self.base}/")
        expect(self.shop.locator("#panel tbody tr").first).to_be_visible()
        self.picture(self.shop, "demo")

    def make_the_rule(self) -> None:
        page = self.admin
        page.goto(f"{self.base}/admin/login/?next=/admin/rules_engine/rule/add/")
        page.fill("#id_username", "rita")
        page.fill("#id_password", "rita")
        page.click("input[type=submit]")
        page.fill("#id_name", RULE)
        page.select_option("#id_signal", "post_save")
        page.select_option("#id_sender", "shop.order")
        page.fill("#id_condition", CONDITION)
        page.select_option("#id_actions-0-kind", "email")
        for label, text in MAIL.items():
            page.locator(".inline-related").first.get_by_label(label, exact=False).first.fill(text)
        self.picture(page, "rule-form", of=page.locator("#content"))
        page.fill("#id_condition", CONDITION.replace("`", ""))
        page.click("input[name=_save]")
        expect(page.locator(".errorlist").first).to_be_visible()
        self.picture(page, "rule-error", of=page.locator(".form-row.field-condition"))
        page.fill("#id_condition", CONDITION)
        page.click("input[name=_save]")
        expect(page.locator(".messagelist")).to_contain_text("shadow mode")
        self.picture(page, "rule-saved", of=page.locator(".messagelist"))

    def see_it_in_shadow(self) -> None:
        self.order(pieces=1)
        passed = self.shop.locator("#panel .unmatched").filter(has_text=RULE)
        expect(passed).to_be_visible()
        self.picture(self.shop, "no-match", of=passed)
        self.order(pieces=3)
        row = self.shop.locator("#panel tbody tr").filter(has_text=RULE)
        expect(row).to_contain_text("shadow")
        self.picture(self.shop, "shadow", of=row)
        self.admin.goto(f"{self.base}/admin/rules_engine/execution/?rule_slug=thank-for-a-large-order")
        self.admin.locator("#result_list tbody a").first.click()
        self.picture(self.admin, "execution-shadow", of=self.admin.locator("#content"))

    def go_live(self) -> None:
        self.admin.goto(f"{self.base}/admin/rules_engine/rule/")
        self.admin.get_by_role("link", name=RULE).click()
        self.admin.get_by_role("button", name="Go live").first.click()
        expect(self.admin.locator(".messagelist")).to_contain_text("is live")
        self.order(pieces=3)
        expect(self.shop.locator("#panel tbody tr").filter(has_text=RULE).first).to_contain_text("succeeded")
        self.admin.goto(f"{self.base}/admin/rules_engine/execution/?rule_slug=thank-for-a-large-order")
        self.admin.locator("#result_list tbody a").first.click()
        self.picture(self.admin, "execution", of=self.admin.locator("#content"))

    def change_the_condition(self) -> None:
        self.admin.goto(f"{self.base}/admin/rules_engine/rule/")
        self.admin.get_by_role("link", name=RULE).click()
        self.admin.fill("#id_condition", LOWER)
        self.admin.click("input[name=_save]")
        expect(self.admin.locator(".messagelist")).to_contain_text("was changed")
        self.order(pieces=1)
        row = self.shop.locator("#panel tbody tr").filter(has_text=RULE).first
        expect(row).to_contain_text("succeeded")
        self.shop.goto(f"{self.base}/mail/")
        self.picture(self.shop, "mail")

    def order(self, pieces: int) -> None:
        """Place an order on the home page and pay it."""
        self.shop.goto(f"{self.base}/")
        self.shop.get_by_label("Pieces").first.fill(str(pieces))
        for button in ("Place an order", "Pay it"):
            self.shop.get_by_role("button", name=button, exact=True).click()
            expect(self.shop.locator("button[aria-busy=true]")).to_have_count(0)
        self.shop.wait_for_timeout(1500)

    def picture(self, page: Page, name: str, *, of: Locator | None = None) -> None:
        """Save what the window shows, or one element of it."""
        shown = page if of is None else of.first
        shown.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
