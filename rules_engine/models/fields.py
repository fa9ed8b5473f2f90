"""A column for JSON documents whose numbers must stay exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

from rules_engine import jsontext

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField  # not subscriptable at run time


class JSONTextField(TextField):
    """A JSON document stored as text: Decimals keep their digits, and the bytes are the same everywhere.

    Databases' own JSON types round numbers, reorder keys or refuse characters; the text is also what is signed.
    The Python value is the document (dict, list, text, int, Decimal, bool, None).
    """

    if TYPE_CHECKING:
        # What the plugin of mypy takes the field to hold: any document, where it would say text.
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any
        _pyi_lookup_exact_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else jsontext.loads(value)

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return jsontext.loads(value)
        except ValueError as error:
            raise ValidationError(_("This is not JSON: %(error)s") % {"error": error}, code="invalid") from error

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, FrozenText):
            return value
        return jsontext.dumps(value)

    def value_to_string(self, obj: models.Model) -> str:
        return jsontext.dumps(self.value_from_object(obj))


class FrozenText(str):
    """Text that is a JSON document already: written as it is, not encoded a second time."""

    __slots__ = ()
