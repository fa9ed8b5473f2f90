"""The evaluation of a parsed condition: the jmespath library's interpreter, taught this package's values and limits.

It is equal to the library's on plain JSON documents with whole numbers, but for these documented differences:

* types are told apart inside lists too: ``[1] == [true]`` is false, as JMESPath says;
* ordering a text against a number is null, not an error;
* only mappings are asked for fields: no method of any other object in a context is ever called;
* the literals NaN and Infinity are null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

from jmespath.visitor import Options, TreeInterpreter

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.forms import Call
from rules_engine.conditions.functions import Functions
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.limits import Budget
from rules_engine.conditions.lookup import find_form
from rules_engine.conditions.parser import Node
from rules_engine.conditions.signatures import Expression
from rules_engine.conditions.values import equal, is_true, order_keys, present

_ORDER: dict[str, Callable[[Any, Any], bool]] = {"lt": lt, "lte": le, "gt": gt, "gte": ge}


class Interpreter(TreeInterpreter):
    """One evaluation; it counts its steps, so it is not used twice."""

    def __init__(self, library: Library) -> None:
        self.budget = Budget()
        self.root: Any = None
        self._library = library
        super().__init__(Options(custom_functions=Functions(library, self.budget)))

    def run(self, tree: Node, context: Any) -> Any:
        """Evaluate a whole condition; raises Fault."""
        return self._evaluate(tree, context, context)

    def _evaluate(self, node: Node, root: Any, value: Any) -> Any:
        outer, self.root = self.root, root
        try:
            return self.visit(node, value)
        finally:
            self.root = outer

    def visit(self, node: Node, value: Any) -> Any:
        """Evaluate ``node`` with ``value`` as the current one; raises Fault."""
        self.budget.spend()
        return getattr(self, f"visit_{node['type']}")(node, value)

    # --- reading ---

    def visit_field(self, node: Node, value: Any) -> Any:
        if isinstance(value, Mapping):
            return present(value.get(node["value"]))
        return None

    def visit_index(self, node: Node, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            return None
        try:
            return present(value[node["value"]])
        except IndexError:
            return None

    def visit_slice(self, node: Node, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            return None
        part = list(value[slice(*node["children"])])
        self.budget.spend(len(part))
        return part

    # --- projections ---

    def visit_projection(self, node: Node, value: Any) -> Any:
        base, each = self.visit(node["children"][0], value), node["children"][1]
        return self._projected(each, base) if isinstance(base, (list, tuple)) else None

    def visit_value_projection(self, node: Node, value: Any) -> Any:
        base, each = self.visit(node["children"][0], value), node["children"][1]
        return self._projected(each, base.values()) if isinstance(base, Mapping) else None

    def visit_filter_projection(self, node: Node, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, (list, tuple)):
            return None
        each, test = node["children"][1], node["children"][2]
        return self._projected(each, (item for item in base if is_true(self.visit(test, present(item)))))

    def _projected(self, each: Node, items: Iterable[Any]) -> list[Any]:
        results = (self.visit(each, present(item)) for item in items)
        return [result for result in results if result is not None]

    def visit_flatten(self, node: Node, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, (list, tuple)):
            return None
        merged: list[Any] = []
        for item in base:
            inner = item if isinstance(item, (list, tuple)) else (item,)
            self.budget.spend(len(inner))
            merged.extend(inner)
        return merged

    # --- operators ---

    def visit_comparator(self, node: Node, value: Any) -> bool | None:
        left, right = self.visit(node["children"][0], value), self.visit(node["children"][1], value)
        sign = node["value"]
        if sign == "eq":
            return equal(left, right, self.budget.spend)
        if sign == "ne":
            return not equal(left, right, self.budget.spend)
        keys = order_keys(left, right)
        return _ORDER[sign](*keys) if keys is not None else None

    def visit_or_expression(self, node: Node, value: Any) -> Any:
        result = None
        for child in node["children"]:
            result = self.visit(child, value)
            if is_true(result):
                break
        return result

    def visit_and_expression(self, node: Node, value: Any) -> Any:
        result = None
        for child in node["children"]:
            result = self.visit(child, value)
            if not is_true(result):
                break
        return result

    def visit_not_expression(self, node: Node, value: Any) -> bool:
        return not is_true(self.visit(node["children"][0], value))

    # --- functions ---

    def visit_expref(self, node: Node, value: Any) -> Expression:
        inner = node["children"][0]
        return Expression(lambda item: self.visit(inner, item))

    def visit_function_expression(self, node: Node, value: Any) -> Any:
        form = find_form(node["value"], self._library)
        try:
            if form is not None:
                arguments = [partial(self._evaluate, child) for child in node["children"]]
                return form.run(Call(self.root, value, arguments, self.budget.spend))
            return super().visit_function_expression(node, value)
        except Fault as fault:
            if fault.position is None:
                fault.position = node.get("span", (None,))[0]
            raise
