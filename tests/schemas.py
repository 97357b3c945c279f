"""The JSON Schemas of the package, for tests to hold its output against."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = {file.name: json.loads(file.read_text()) for file in (files("pysock_raw.report") / "schemas").iterdir()}
REGISTRY = Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items())


def invalid(name: str, instance: Any) -> list[str]:
    """What a schema has against an instance."""
    validator = Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]
