"""What README and docs show is what happens: their console blocks are run, and the command reference is generated."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, Result
from councilgraph import bundle, cli, queries

Run = Callable[..., Result]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?P<mark><!-- [\w-]+ -->\n)?```console\n(?P<text>.*?)```\n", re.DOTALL)


def _shown(run: Run, text: str) -> str:
    """The block with its commands' real output."""
    lines = []
    for line in text.splitlines():
        if line.startswith("$ "):
            words = shlex.split(line[2:])
            assert words[0] == "councilgraph", (
                f"a console block runs {words[0]}; mark it with a comment if it is not to be run"
            )
            answer = run(*words[1:])
            lines += [line, *answer.out.splitlines()]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "```console" in p.read_text()], ids=lambda p: str(p.relative_to(ROOT))
)
def test_console_blocks_show_what_happens(page: Path, run: Run, request: pytest.FixtureRequest) -> None:
    text = page.read_text()
    shown = BLOCK.sub(lambda m: m[0] if m["mark"] else f"```console\n{_shown(run, m['text'])}```\n", text)
    if request.config.getoption("--approve"):
        page.write_text(shown)
    assert page.read_text() == shown


PROGRAMS = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<text>.*?)```\n", re.DOTALL)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "```python" in p.read_text()], ids=lambda p: str(p.relative_to(ROOT))
)
def test_programs_print_what_is_shown(
    page: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """The programs of a page are run one after the other, as one."""
    names: dict[str, object] = {}

    def shown(match: re.Match[str]) -> str:
        exec(compile(match["code"], str(page), "exec"), names)  # noqa: S102 — our own page
        return f"```python\n{match['code']}```\n\n```text\n{capsys.readouterr().out}```\n"

    text = PROGRAMS.sub(shown, page.read_text())
    if request.config.getoption("--approve"):
        page.write_text(text)
    assert page.read_text() == text


def test_the_command_reference_is_what_help_says(run: Run, request: pytest.FixtureRequest) -> None:
    parts = ["# The commands\n\nGenerated from `--help` (`pytest tests/test_docs.py --approve`).\n"]
    for name in ("", *cli.program.commands):
        answer = run(*([name] if name else []), "--help")
        parts.append(f"## councilgraph{f' {name}' if name else ''}\n\n```text\n{answer.out}```\n")
    rows = run("query", "--format", "csv").rows()
    parts.append("## The canned queries\n")
    parts += [f"- **`{row['name']}`** {row['parameters']}  \n  {row['question']}" for row in rows]
    reference = "\n".join(parts) + "\n"
    page = ROOT / "docs" / "cli.md"
    if request.config.getoption("--approve"):
        page.write_text(reference)
    assert page.read_text() == reference


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_question_has_its_queries_and_every_query_its_question() -> None:
    text = (ROOT / "docs" / "questions.md").read_text()
    named = set(re.findall(r"`([a-z]+/[a-z-]+)`", text))
    assert named == {query.name for query in queries.catalogue(bundle.rooms(ROOT))}
    assert len(re.findall(r"^\| \d+ \|", text, re.MULTILINE)) == 40
