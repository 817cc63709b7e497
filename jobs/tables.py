"""Every table's contract, found by walking the layers: one module a noun, its rejected twin in the same module."""

from importlib import import_module
from pkgutil import iter_modules

from jobs.contract import Table

LAYERS = ("bronze", "silver", "gold", "ops")


def contracts(*layers: str) -> dict[str, Table]:
    """Table name -> contract, in the order of layer and name; all layers when none is named.

    A contract belongs to the module of its noun (``silver.events_rejected`` to ``jobs/silver/events.py``); importing it elsewhere does not
    list it twice.
    """
    found: dict[str, Table] = {}
    for layer in layers or LAYERS:
        package = import_module(f"jobs.{layer}")
        for name in sorted(module.name for module in iter_modules(package.__path__)):
            module = import_module(f"jobs.{layer}.{name}")
            tables = [value for value in vars(module).values() if isinstance(value, Table)]
            found |= {t.name: t for t in sorted(tables, key=lambda t: t.name) if t.name in {f"{layer}.{name}", f"{layer}.{name}_rejected"}}
    return found


def contract_of(name: str) -> Table:
    """The contract of one table; raises LookupError that lists what there is in its layer."""
    layer, _, noun = name.partition(".")
    module = import_module(f"jobs.{layer}.{noun.removesuffix('_rejected')}")
    for value in vars(module).values():
        if isinstance(value, Table) and value.name == name:
            return value
    message = f"jobs.{layer}.{noun.removesuffix('_rejected')} holds no contract of {name}; {layer} has {', '.join(contracts(layer))}"
    raise LookupError(message)
