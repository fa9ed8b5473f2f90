"""Who can log in to the demo, with passwords that are no secrets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Login:
    """A user of the demo."""

    username: str
    email: str
    role: str

    @property
    def password(self) -> str:
        """The same as the name, so that it can be typed from memory."""
        return self.username


ADMINISTRATOR = Login("admin", "admin@demo.example", "Administrator: may do everything.")
EDITOR = Login("rita", "rita@demo.example", "Rules editor: makes rules, reads their history, sees the shop's data.")
CUSTOMER = Login("carl", "carl@demo.example", "Customer: places, pays and cancels orders.")
LOGINS = (ADMINISTRATOR, EDITOR, CUSTOMER)
