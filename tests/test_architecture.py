"""The package is built as docs/model.md and the house rules say: imports run one way, and stay in their place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from conftest import ROOT

PACKAGE = ROOT / "loader" / "councilgraph"
# A module imports those before it only.
ORDER = [
    "errors",
    "namespaces",
    "dates",
    "iris",
    "bundle",
    "tables",
    "concepts",
    "dataset",
    "suspects",
    "validation",
    "queries",
    "endpoint",
    "publish",
    "push",
    "graph",
    "csvw",
    "void",
    "dump",
    "verify",
    "differences",
    "render",
    "importers",
    "wellknown",
    "answering",
    "serving",
    "cli",
    "__main__",
]
# A library, and the only modules that import it.
KEEPERS = {
    "click": {"cli"},
    "pyshacl": {"validation", "suspects"},
    "oxrdflib": {"validation"},
    "rdflib": {"validation", "suspects"},
    "rich": {"render"},
    "SPARQLWrapper": {"endpoint"},
    "httpx": {"endpoint"},
    "python_calamine": {"importers"},
    "starlette": {"serving"},
    "uvicorn": {"serving"},
    "mimeparse": {"serving"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _stem(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "councilgraph":
            found |= {f"councilgraph.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    stem = _stem(path)
    if stem == "__init__":
        top = [
            node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert {ast.unparse(node).split()[1] for node in top} <= {"__future__", "typing"}, (
            "it imports at once"
        )
        return
    for name in _imports(path):
        head, _, rest = name.partition(".")
        if head == "councilgraph" and rest:
            other = rest.partition(".")[0]
            assert other == stem in ("concepts", "importers") or ORDER.index(other) < ORDER.index(stem), (
                f"{stem} imports {other}"
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_stay_with_their_keepers(path: Path) -> None:
    for name in _imports(path):
        keepers = KEEPERS.get(name.partition(".")[0])
        assert keepers is None or _stem(path) in keepers, f"{_stem(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    if _stem(path) == "cli":
        return
    calls = {
        ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    }
    assert not calls & {"print", "sys.exit", "exit", "sys.stdout.write", "sys.stderr.write"}


def test_only_dataset_opens_a_store() -> None:
    opening = {
        _stem(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("Store", "Store.read_only")
        and (node.args or "read_only" in ast.unparse(node.func))
    }
    assert opening == {"dataset"}
