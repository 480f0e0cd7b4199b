"""The command line: the only module that prints, and the only one that ends the process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

import click

from councilgraph import bundle, dataset, graph, queries, render
from councilgraph.bundle import Rooms
from councilgraph.errors import CouncilgraphError, Finding, FindingsError, UsageError, unknown
from councilgraph.graph import Answer, Document, Graph
from councilgraph.queries import Parameter, Query, Rows, Source

if TYPE_CHECKING:
    from pyoxigraph import Triple

    from councilgraph.endpoint import Remote

_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Another set of rooms: a folder with ontology/, shapes/, queries/ and data/.",
)
_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(render.FORMATS),
    default="table",
    show_default=True,
    help="How to write the answer.",
)
_DOCUMENT = click.option(
    "--format",
    "form",
    type=click.Choice(render.DOCUMENTS),
    default="table",
    show_default=True,
    help="How to write the answer.",
)
_SCENARIO = click.option(
    "--scenario",
    metavar="NAME",
    default="",
    help="Suppose what is only proposed: a folder of data/scenarios/, such as proposals-2028.",
)
_TRUST = click.option(
    "--trust",
    metavar="RULE",
    default="",
    help="Leave out records that rest on no source of a kind; official: of government, Parliament or law.",
)
_CERTAINTY = click.option(
    "--certainty",
    type=click.Choice(graph.CERTAINTIES),
    help="Only what is definite, or only what is possible.",
)
_SOURCES = click.option(
    "--sources", is_flag=True, help="Add the records that each row rests on, and their publications."
)
#: Where a store elsewhere is, and who asks.
_WHO = (
    click.option(
        "--user",
        metavar="NAME",
        default="",
        help="Whom it knows us as; the password is typed, or taken from COUNCILGRAPH_PASSWORD.",
    ),
    click.option(
        "--token-env", metavar="VAR", default="", help="The environment variable that holds a bearer token."
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0.1),
        help="Give up when an answer takes so long.",
    ),
)
_REMOTE = (
    click.option(
        "--endpoint",
        metavar="URL",
        default="",
        help="Ask this SPARQL endpoint instead of the embedded store.",
    ),
    click.option(
        "--graph",
        "named",
        metavar="IRI",
        default="",
        help="The graph of it that is asked, if not its default graph.",
    ),
    click.option(
        "--copy/--no-copy",
        "copy",
        default=None,
        help="Fetch the graph and ask it here: the default where a store answers some queries wrongly.",
    ),
    *_WHO,
)


def _answering(*more: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The options of every command that answers from the graph, after those of its own."""

    def add(command: Any) -> Any:
        return _options(*more, _CERTAINTY, _SOURCES, _SCENARIO, _TRUST, *_REMOTE, _ROOT)(command)

    return add


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options, in this order."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


class _Command(click.Command):
    """A command whose help ends with examples, set as they are typed."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 — click's signature
        """Write the examples."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line}\n" for line in self.examples))


class _QueryCommand(_Command):
    """`query`, with an option for each parameter of the query that is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the query's name and the root first, since they say which options there are."""
        rooms = bundle.rooms(_option(args, "--root"))
        options = [p for p in self.params if isinstance(p, click.Option)]
        flags = {opt for p in options if p.is_flag for opt in (*p.opts, *p.secondary_opts)}
        name = _positional(args, {"-h", "--help", *flags})
        ctx.meta["query"] = queries.named(name, rooms) if name is not None else None
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own options, and those of the query."""
        query: Query | None = ctx.meta.get("query")
        own = [
            click.Option(
                [f"--{p.name.replace('_', '-')}", f"param_{p.name}"],
                metavar=_metavar(p),
                help=f"{p.help} [example and default: {p.example}]",
            )
            for p in (query.params if query else ())
        ]
        return [*own, *super().get_params(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The query's question where a query is named."""
        query: Query | None = ctx.meta.get("query")
        if not query:
            super().format_help_text(ctx, formatter)
            return
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"{query.title}. {query.question}")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """An example with the query's defaults where a query is named."""
        query: Query | None = ctx.meta.get("query")
        if not query:
            super().format_epilog(ctx, formatter)
            return
        with formatter.section("Examples"):
            words = " ".join(f"--{p.name.replace('_', '-')} {_quoted(p.example)}" for p in query.params)
            formatter.write(f"  councilgraph query {query.name} {words}".rstrip() + "\n")


class _Group(click.Group):
    """The program: its commands in the order in which people meet them; errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's signature
        """The commands, in the order in which they are declared."""
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="councilgraph", message="%(prog)s %(version)s")
@click.option(
    "--debug", is_flag=True, envvar="COUNCILGRAPH_DEBUG", help="Show a traceback when something fails."
)
def program(debug: bool) -> None:
    """Answer who was responsible for what in England's councils, when, and on whose word.

    Commands that answer build the store by themselves when there is none, or when a table, a shape or the
    ontology has changed.
    """


#: What the commands that take an argument call it.
_CALLED = {"area": "AREA", "authority": "THING"}


def _command(*examples: str) -> Callable[[Callable[..., Any]], click.Command]:
    return program.command(cls=_Command, examples=examples)


@_command(
    "councilgraph who christchurch --function childrens-services --on 2019-03-31",
    "councilgraph who E06000027 --on 2018-09-01 --format csv",
    "councilgraph who torbay --on 2020-02-15 --certainty definite --sources",
)
@click.argument("area")
@click.option(
    "--function",
    "function",
    default="childrens-services",
    show_default=True,
    help="The function: childrens-services, adult-social-care, upper-tier, lower-tier, …",
)
@click.option("--on", "on", default="today", show_default=True, help="The day.")
@_answering(_FORMAT)
def who(
    area: str, function: str, on: str, form: str, certainty: str | None, sources: bool, **where: Any
) -> None:
    """Say who held a function for AREA on a day, and in which capacity.

    AREA is a slug, a GSS, DfE or Ofsted code, a name in any case, or an IRI.
    """
    asked = _open(**where)
    words = {"area": area, "function": function, "on": on}
    query = queries.named("function/who", asked.rooms)
    answer = asked.ask(query, words, called=_CALLED, certainty=certainty, sources=sources)
    _answer(answer.terms, form, asked)


@_command(
    "councilgraph lineage bournemouth-christchurch-and-poole-council",
    "councilgraph lineage 837 --direction forward --format csv",
    "councilgraph lineage torbay --function lower-tier --direction both",
)
@click.argument("thing")
@click.option(
    "--function",
    "function",
    default="childrens-services",
    show_default=True,
    help="The function that is followed.",
)
@click.option(
    "--direction",
    type=click.Choice(["back", "forward", "both"]),
    default="back",
    show_default=True,
    help="To those before, to those after, or both.",
)
@_answering(_FORMAT)
def lineage(
    thing: str,
    function: str,
    direction: str,
    form: str,
    certainty: str | None,
    sources: bool,
    **where: Any,
) -> None:
    """Show whom THING, a council, replaced and what replaced it, following a function area by area.

    THING is a slug, a GSS, DfE or Ofsted code, a name in any case, or an IRI.
    """
    asked = _open(**where)
    answers = {}
    for way, name in (("back", "reorganisation/predecessors"), ("forward", "reorganisation/successors")):
        if direction in (way, "both"):
            query = queries.named(name, asked.rooms)
            words = {"authority": thing, "function": function}
            answers[way] = asked.ask(query, words, called=_CALLED, certainty=certainty, sources=sources).terms
    if form != "table" or sources:
        first, *others = answers.values()
        rows = [*first.rows, *(row for other in others for row in other.rows)]
        _answer(Rows(first.columns, rows), form, asked)
        return
    param = queries.named("reorganisation/predecessors", asked.rooms).params[0]
    body = queries.value(asked.store, asked.rooms, param, thing, where="THING")
    for way, answer in answers.items():
        _out(render.lineage(answer, body, queries.label(asked.store, body), way, colour=_colour()))


@_command(
    "councilgraph history torbay",
    "councilgraph history BCP --certainty definite --format csv",
    "councilgraph history john-coughlan",
)
@click.argument("thing")
@_answering(_FORMAT)
def history(thing: str, form: str, certainty: str | None, sources: bool, **where: Any) -> None:
    """Show all that happened to THING on one timeline.

    Of a council: reorganisations, names, inspections, interventions and post-holders, with those of the
    councils that held children's services before it labelled as theirs. Of a person: the posts held.
    """
    asked = _open(**where)
    _answer(asked.history(thing, certainty=certainty, sources=sources).terms, form, asked)


@_command(
    "councilgraph describe christchurch --on 2019-03-31",
    "councilgraph describe E06000058",
    "councilgraph describe person:john-coughlan --format json",
)
@click.argument("thing")
@click.option("--on", "on", help="The day; without it, what was ever so, and what is so today.")
@_answering(_DOCUMENT)
def describe(
    thing: str, on: str | None, form: str, certainty: str | None, sources: bool, **where: Any
) -> None:
    """Say what is known of THING: a council, an area, a person, a publication, or any record.

    THING is a slug, a code, a name in any case, or an IRI; `area:torbay` where a council has the name too.
    """
    asked = _open(**where)
    if form == "turtle":
        _triples(list(dataset.triples(asked.store, asked.thing(thing))), form)
        return
    _document(asked.describe(thing, on, certainty=certainty, sources=sources), form)


@_command(
    "councilgraph pack east-surrey-council",
    "councilgraph pack north-northamptonshire-council --format json",
    "councilgraph pack west-norfolk-council --scenario proposals-2028 -o west-norfolk.md",
)
@click.argument("thing")
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="How to write the document.",
)
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file."
)
@_options(_SCENARIO, _TRUST, *_REMOTE, _ROOT)
def pack(thing: str, form: str, file: Path | None, **where: Any) -> None:
    """Write the inheritance pack of THING, a council that follows others.

    It lists the areas that the council takes over, from whom and by which article; the interventions, trust
    contracts, judgements and statutory posts that come with them; what nobody is stated to take; and the
    publications that all this rests on.
    """
    asked = _open(**where)
    text = render.document(asked.pack(thing), form, viewed=asked.viewed)
    if file is None:
        _out(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouncilgraphError(
            str(file), f"cannot be written ({error.strerror})", "Name another file."
        ) from error


@program.command(
    cls=_QueryCommand,
    examples=(
        "councilgraph query",
        "councilgraph query inspection/grade-on --authority torbay --on 2019-06-01",
        "councilgraph query intervention/in-force --help",
        "councilgraph query person/post-holders --authority torbay --trust official --compare",
        "councilgraph query --trust official --compare",
        "councilgraph query area/on-day --area torbay --endpoint http://localhost:7878/query",
    ),
)
@click.argument("name", required=False)
@click.option(
    "--compare",
    is_flag=True,
    help="With --trust or --scenario: which rows stay, go and come; without NAME, of every query.",
)
@click.option("--limit", type=click.IntRange(min=0), help="At most this many rows.")
@_answering(_FORMAT)
@click.pass_context
def query(
    ctx: click.Context,
    /,
    name: str | None,
    compare: bool,
    limit: int | None,
    form: str,
    certainty: str | None,
    sources: bool,
    root: Path | None,
    scenario: str,
    trust: str,
    named: str,
    endpoint: str,
    user: str,
    token_env: str,
    timeout: float | None,
    copy: bool | None,
    **params: str | None,
) -> None:
    """Answer the canned query NAME; without a name, list the catalogue.

    Each query has options of its own: `councilgraph query NAME --help` shows them. The catalogue as turtle
    has each query as a SHACL SPARQL executable.
    """
    if compare and endpoint:
        raise UsageError("--compare", "makes a view, which needs the tables", "Ask without --endpoint.")
    if compare and not (scenario or trust):
        raise UsageError("--compare", "has nothing to compare with", "Give --trust or --scenario.")
    if name is None and not compare:
        _list(bundle.rooms(root), form)
        return
    how: dict[str, Any] = {"certainty": certainty, "sources": sources}
    words = {key.removeprefix("param_"): word for key, word in params.items() if word is not None}
    if not compare:
        asked = _open(root, scenario, trust, endpoint, named, user, token_env, timeout, copy)
        answer = asked.ask(ctx.meta["query"], words, **how).terms
        _answer(Rows(answer.columns, answer.rows[:limit]), form, asked)
        return
    main = _open(root)
    asked = graph.viewed(main, scenario, trust)
    _err(f"Compared with: {asked.viewed}.")
    if name is None:
        changes = [graph.change(main, asked, each, {}) for each in queries.catalogue(main.rooms)]
        _answer(render.changes(changes), form, asked)
    else:
        found = graph.change(main, asked, ctx.meta["query"], words, **how)
        answer = render.changed(found)
        _answer(Rows(answer.columns, answer.rows[:limit]), form, asked)


@_command(
    "councilgraph sparql 'SELECT ?body ?name { ?body a cg:Authority ; skos:prefLabel ?name } ORDER BY ?name'",
    "councilgraph sparql -f question.rq --format csv",
    "councilgraph sparql 'DESCRIBE body:torbay-council' --format turtle",
    "councilgraph sparql -f question.rq --endpoint http://localhost:3030/ds --graph https://example.org/councils",
)
@click.argument("text", metavar="QUERY", required=False)
@click.option(
    "-f",
    "--file",
    "file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the query from a file; - for standard input.",
)
@_FORMAT
@click.option("--limit", type=click.IntRange(min=0), help="At most this many rows.")
@_options(_SCENARIO, _TRUST, *_REMOTE, _ROOT)
def sparql(text: str | None, file: Path | None, form: str, limit: int | None, **where: Any) -> None:
    """Ask the store any SPARQL QUERY; it reads only, and our prefixes are known."""
    if (text is None) == (file is None):
        raise UsageError(
            "sparql", "needs a query or a file, one of the two", "Write it in quotes, or name a file with -f."
        )
    if file:
        text = _text(file)
    asked = _open(**where)
    assert text is not None
    answer = asked.sparql(text)
    if isinstance(answer, Answer):
        _answer(Rows(answer.columns, answer.terms.rows[:limit]), form, asked)
    elif isinstance(answer, bool):
        _out(render.truth(answer, form))
    else:
        _triples(answer[:limit], form)


@_command("councilgraph build", "councilgraph build --root ../my-rooms")
@_ROOT
def build(root: Path | None) -> None:
    """Build the store: tables, checked against the shapes, with their derived lineage.

    A build that fails or is killed leaves the old store answering.
    """
    graph.build(bundle.rooms(root), _progress())


@_command(
    "councilgraph check",
    "councilgraph check --only data/judgements.csv --format csv",
    "councilgraph check --shape Holding-actsFor",
    "councilgraph check --explain Holding-actsFor",
    "councilgraph check theirs.ttl --shapes their-shapes.ttl --timeout 60",
    "councilgraph check http://localhost:7878/query --graph https://example.org/councils",
)
@click.argument("files", nargs=-1)
@click.option("--strict", is_flag=True, help="Count warnings as findings too.")
@click.option(
    "--shape",
    "shapes",
    metavar="RULE",
    multiple=True,
    help="Look for what this rule finds alone; repeatable.",
)
@click.option(
    "--only",
    metavar="WHAT",
    multiple=True,
    help="Tell of these alone: a table, a record, or changed (since the store was built); repeatable.",
)
@click.option(
    "--explain", metavar="RULE", help="Say what a rule looks at, why, and what to do; check nothing."
)
@click.option(
    "--shapes",
    "shapes_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Check FILEs against these shapes instead of ours, and without our ontology beside them.",
)
@click.option(
    "--engine",
    type=click.Choice(["store", "pyshacl"]),
    default="store",
    show_default=True,
    help="store shows pyshacl what may be at fault; pyshacl, the judge, looks at everything itself.",
)
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(min=0.1), help="Give up after so long.")
@click.option(
    "--graph", "named", metavar="IRI", default="", help="The graph of an endpoint, if not its default graph."
)
@_options(*_WHO[:2])
@click.option(
    "--format",
    "form",
    type=click.Choice(render.FINDINGS),
    default="table",
    show_default=True,
    help="How to write the findings; turtle is a W3C validation report.",
)
@_ROOT
def check(
    files: tuple[str, ...],
    strict: bool,
    shapes: tuple[str, ...],
    only: tuple[str, ...],
    explain: str | None,
    shapes_file: Path | None,
    engine: str,
    timeout: float | None,
    named: str,
    user: str,
    token_env: str,
    form: str,
    root: Path | None,
) -> None:
    """Check the data against the shapes, or RDF FILEs of anybody's (Turtle, N-Triples, JSON-LD, RDF/XML).

    A FILE may be the address of a SPARQL endpoint too: its graph is fetched and checked.

    Exit code 0: nothing found; 1: findings; 2: something asked for is not there; 3: the check could not be
    done.
    """
    if timeout is not None:
        _within(timeout)
    rooms = bundle.rooms(root)
    if not _elsewhere(files):
        for option, given in {"--graph": named, "--user": user, "--token-env": token_env}.items():
            if given:
                raise UsageError(option, "is for a store elsewhere", "Give the address of its endpoint.")
    from councilgraph import validation

    if shapes_file and not files and not explain:
        raise UsageError("--shapes", "has no files to check", "Name the RDF files that these shapes are for.")
    local = [file for file in files if file not in _elsewhere(files)]
    for name in (*local, *([str(shapes_file)] if shapes_file else [])):
        if not Path(name).exists():
            raise UsageError(name, "is not there", "Look at its path.")
    rules = validation.shapes_from(shapes_file) if shapes_file else validation.shapes(rooms)
    if explain:
        _out(render.explained(validation.explain(rules, explain)))
        return
    looked_at = validation.chosen(rules, shapes)
    made: dataset.Graph | None = None
    try:
        with _local(files, named, user, token_env, timeout) as paths:
            if files:
                made = dataset.read_files(paths, None if shapes_file else rooms)
            else:
                made = dataset.assemble(rooms, _progress())
            wanted = _wanted(only, made, rooms)
            with render.bar(sys.stderr) as step:
                where = str(shapes_file or "shapes")
                report = validation.validate(
                    made, rules, engine=engine, only=looked_at, step=step, where=where
                )
            found = validation.read(report, made, rules)
            if shapes:
                told = {str(rule) for rules_ in looked_at.values() for rule in rules_}
                found = [finding for finding in found if finding.rule in told]
            elif not files:
                found += queries.unmet(made, rooms)
            if only:
                found = [finding for finding in found if {finding.file, finding.focus} & wanted]
            if files and form not in ("table", "turtle"):
                found = _placed(found, files, paths)
    except FindingsError as error:
        found, report = error.findings, validation.as_report(error.findings)
    failing = [finding for finding in found if strict or finding.severity == "Violation"]
    if form == "turtle":
        if made is not None:
            report = validation.told(report, found, made, rules)
            report = validation.as_report([finding for finding in found if not finding.rule], report)
        _out(validation.written(report))
    elif form == "table":
        _findings(found)
    else:
        _out(render.findings(found, form))
    sys.exit(1 if failing else 0)


@_command("councilgraph dump public/", "councilgraph dump 2027-01/ --previous 2026-12/")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--previous",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The dump before this one, which void.ttl then names.",
)
@click.option("--url", help="Where DIR will be read, for the addresses in void.ttl.")
@_ROOT
def dump(folder: Path, previous: Path | None, url: str | None, root: Path | None) -> None:
    """Write all that is published into DIR: all files, or none.

    councilgraph.ttl, .nt.gz and .jsonld are the whole graph; ontology.ttl, shapes.ttl, queries.ttl and
    tables/ (CSV with a CSVW description) its parts. void.ttl says what they are, whose, and how much of what
    they hold (VoID, DCAT, PROV); RDFC-1.0.sha256 is the hash of the graph's canonical form; SHA256SUMS lists
    every file. The same tables give the same bytes.
    """
    from councilgraph import dump as dumps

    where = {"published": dumps.address(url)} if url else {}
    rooms = bundle.rooms(root)
    store, fresh = dataset.current(rooms)
    if store is None or not fresh:
        store = graph.build(rooms, _progress())
    dumps.dump(store, rooms, folder, previous=previous, progress=_progress(), **where)


@_command("councilgraph verify public/", "councilgraph verify public/ --format sarif")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice([form for form in render.FINDINGS if form != "turtle"]),
    default="table",
    show_default=True,
    help="How to write the findings.",
)
@_ROOT
def verify(folder: Path, form: str, root: Path | None) -> None:
    """Check a dump offline: DIR, as dump wrote it.

    Names each file that is missing, changed or extra; looks whether the Turtle, the N-Triples, the JSON-LD
    and the tables say the same, whether the hash and the counts are right, and whether the shapes hold.

    Exit code 0: all is well; 1: findings; 2: there is no such folder; 3: the check could not be done.
    """
    from councilgraph import verify as verifying

    with render.bar(sys.stderr) as step:
        found = verifying.verify(folder, bundle.rooms(root), _progress(), step)
    if form == "table":
        _findings(found.findings)
    else:
        _out(render.findings(found.findings, form))
    _err(f"{found.files:,} files, {found.triples:,} triples, RDFC-1.0 {found.canonical or 'unknown'}.")
    sys.exit(1 if any(finding.severity == "Violation" for finding in found.findings) else 0)


@_command(
    "councilgraph diff 2026-12/ 2027-01/",
    "councilgraph diff published/councilgraph.nt.gz . --format markdown",
)
@click.argument("old", metavar="OLD", type=click.Path(path_type=Path))
@click.argument("new", metavar="NEW", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(render.DIFFERENCES),
    default="table",
    show_default=True,
    help="How to write the differences.",
)
@_ROOT
def diff(old: Path, new: Path, form: str, root: Path | None) -> None:
    """Say what changed from OLD to NEW: records, column by column, and the canned queries' answers.

    Each of the two is a dump, an RDF file (Turtle, N-Triples, JSON-LD), or a root with its tables. The
    queries are asked with their defaults, and of the councils, areas and people that the changes touch most.
    What only follows from the tables, such as lineage, is counted.

    Exit code 0: the two say the same; 1: they differ; 2: one of them is not there; 3: one cannot be read.
    """
    from councilgraph import differences

    found = differences.differences(old, new, bundle.rooms(root), _progress())
    _out(render.differences(found, form, _colour()))
    sys.exit(1 if found.records or found.answers else 0)


@_command(
    "councilgraph push http://localhost:7878/",
    "councilgraph push http://localhost:3030/ds --user admin --verify",
    "councilgraph push http://localhost:8890/sparql --graph https://example.org/councils --user dba",
    "councilgraph push https://example.org/repositories/ours --graph https://example.org/councils --dry-run",
)
@click.argument("url", metavar="ENDPOINT")
@click.option(
    "--graph",
    "named",
    metavar="IRI",
    default="",
    help="The graph that is replaced, if not the default graph.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--verify", is_flag=True, help="Compare the canonical hash (RDFC-1.0) of what is there too.")
@click.option(
    "--update", metavar="URL", default="", help="Where it takes SPARQL Update, if not where such stores do."
)
@click.option(
    "--store",
    metavar="URL",
    default="",
    help="Where it has the Graph Store Protocol, if not where such stores do.",
)
@_options(*_WHO, _ROOT)
def push(
    url: str, named: str, dry_run: bool, verify: bool, root: Path | None, timeout: float | None, **where: Any
) -> None:
    """Put the graph into a SPARQL store, in the place of what is in a graph of it.

    ENDPOINT is any address of the store: where it is asked, or updated, or its root. Its readers see the old
    graph or the new one, whole; a push that fails leaves the old one. What arrived is counted.
    """
    from councilgraph import endpoint
    from councilgraph import push as pushing

    remote = _remote(url, "", timeout=timeout or endpoint.SILENCE, **where)
    text = graph.text(bundle.rooms(root), _progress(), _warn)
    with render.bar(sys.stderr, "send") as bar:
        pushed = pushing.push(
            text,
            remote,
            named,
            dry_run=dry_run,
            verify=verify,
            progress=_progress(),
            step=lambda done, of: bar(done, of, ""),
        )
    place = f"<{named}>" if named else "the default graph"
    if dry_run:
        at = remote.where
        _err(f"Asks {at.query}, updates {at.update}, stores at {at.store or 'nowhere'}.")
        _out(f"{pushed.triples:,} triples would take the place of {pushed.before:,} in {place}.\n")
    else:
        _out(f"{pushed.triples:,} triples are in {place}, in the place of {pushed.before:,}.\n")


@_command(
    "councilgraph serve",
    "councilgraph serve --port 0 --timeout 5 --limit 1000",
    "councilgraph serve --allow-service https://query.wikidata.org/sparql",
    "curl -H 'Accept: text/csv' --data-urlencode query@question.rq http://127.0.0.1:7878/query",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=7878,
    show_default=True,
    help="The port to listen at; 0: any that is free.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1, max=86400),
    default=30,
    show_default=True,
    help="Stop a query after so long.",
)
@click.option(
    "--limit",
    metavar="ROWS",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Answer with at most so many rows or triples.",
)
@click.option(
    "--memory",
    metavar="MB",
    type=click.IntRange(min=500),
    default=1000,
    show_default=True,
    help="Stop a query that needs more.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Answer so many queries at a time; others wait.",
)
@click.option(
    "--allow-service",
    "services",
    metavar="IRI",
    multiple=True,
    help="Let queries call this server by SERVICE <IRI>; repeatable. Without it they call none.",
)
@_ROOT
def serve(
    host: str,
    port: int,
    timeout: float,
    limit: int,
    memory: int,
    workers: int,
    services: tuple[str, ...],
    root: Path | None,
) -> None:
    """Start a read-only SPARQL endpoint over the store, with a query page.

    The page is at /, the endpoint at /query, VoID at /.well-known/void. Each query is answered from the
    store that is in use when it begins: what `councilgraph build` makes meanwhile is picked up by the next.
    """
    rooms = bundle.rooms(root)
    try:
        from councilgraph import serving
    except ImportError as error:
        remedy = "Install what it needs: pip install 'councilgraph[serve]'."
        raise CouncilgraphError("serve", f"needs {error.name}, which is not installed", remedy) from error
    from councilgraph.answering import Limits

    with serving.bound(host, port) as listening:
        count = graph.text(rooms, _progress(), _warn).triples
        place = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
        _err(f"Serving {count:,} triples at {place} (Ctrl-C ends it).")
        serving.serve(listening, rooms, Limits(timeout, limit, memory, services), workers)
    _err("Stopped.")


@program.command(
    "import",
    cls=_Command,
    examples=(
        "councilgraph import ofsted-outcomes LA_Inspection_Outcomes_as_at_31_March_2025.ods",
        "councilgraph import council-names uk_local_authorities_current.csv --format csv",
        "councilgraph import dfe-codes codes.csv --write",
    ),
)
@click.argument("kind", metavar="KIND")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--write", is_flag=True, help="Add rows for what is new and claims for what differs to the tables."
)
@click.option("--all", "everything", is_flag=True, help="List what agrees too.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "tsv", "json", "markdown"]),
    default="table",
    show_default=True,
    help="How to write the comparison.",
)
@_ROOT
def import_(kind: str, file: Path, write: bool, everything: bool, form: str, root: Path | None) -> None:
    """Compare a publication, as published, with the tables.

    Says what is new, what differs (our value, theirs, the likely cause) and what cannot be placed; what
    agrees is counted. Nothing is written without --write, and writing twice is writing once.

    KIND is ofsted-outcomes (the ODS of the official statistics), ilacs-overview, send-overview or
    jtai-overview (Data to Insight's XLSX), council-names (mySociety), register (the GOV.UK register,
    planning data), code-history (ONS, by gsscoder) or dfe-codes.
    """
    from pyoxigraph import Literal

    from councilgraph import importers

    rooms = bundle.rooms(root)
    found = importers.compare(kind, file, rooms)
    lines = [line for line in importers.summary(found) if everything or line[0] != "agrees"]
    if form == "table":
        _out(render.table(importers.COLUMNS, [list(line) for line in lines], _width(), _colour()))
    else:
        cells = [tuple(Literal(cell) if cell else None for cell in line) for line in lines]
        _out(render.rows(Rows(importers.COLUMNS, cells), form))
    _err(", ".join(f"{count:,} {status}" for status, count in found.counts().items()))
    if write:
        written = importers.write(found, rooms)
        for name, count in written.rows.items():
            _err(f"data/{name}: {count:,} row{'' if count == 1 else 's'} added")
        if not written:
            _err("Nothing to write.")


def main() -> NoReturn:
    """Run the program, and end the process with its exit code."""
    debug = "--debug" in sys.argv or bool(os.environ.get("COUNCILGRAPH_DEBUG"))
    try:
        code = program.main(standalone_mode=False, prog_name="councilgraph")
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.UsageError as error:
        hint = f" Try `{error.ctx.command_path} --help`." if error.ctx else ""
        _err(f"councilgraph: {' '.join(error.format_message().split())}{hint}")
        sys.exit(2)
    except click.ClickException as error:
        _err(f"councilgraph: {error.format_message()}")
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _err("councilgraph: stopped.")
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except FindingsError as error:
        if debug:
            raise
        _findings(error.findings)
        sys.exit(error.exit_code)
    except CouncilgraphError as error:
        if debug:
            raise
        _err(f"councilgraph: {error}")
        sys.exit(error.exit_code)
    except Exception as error:
        if debug:
            raise
        _err(
            f"councilgraph: unforeseen: {type(error).__name__}: {' '.join(str(error).split())[:300]}. "
            "Run it again with --debug and report what it shows."
        )
        sys.exit(3)


def _warn(text: str) -> None:
    _err(f"councilgraph: {text}")


def _open(
    root: Path | None = None,
    scenario: str = "",
    trust: str = "",
    endpoint: str = "",
    named: str = "",
    user: str = "",
    token_env: str = "",
    timeout: float | None = None,
    copy: bool | None = None,
) -> Graph:
    """The graph that a command asks, and on standard error which view of it that is."""
    if not endpoint:
        for option, given in {
            "--graph": named,
            "--user": user,
            "--token-env": token_env,
            "--timeout": timeout,
        }.items():
            if given:
                raise UsageError(option, "is for a store elsewhere", "Say where with --endpoint URL.")
    source: Source | None = None
    if endpoint:
        remote = source = _remote(endpoint, named, user, token_env, timeout)
        if copy is None and not (scenario or trust or remote.where.trusted):
            _err(f"{remote.where.name} answers some queries wrongly: its graph is fetched, and asked here.")
            copy = True
        if copy:
            source = remote.copy()
    asked = graph.open(
        root,
        scenario=scenario,
        trust=trust,
        endpoint=source,
        progress=_progress(),
        warn=_warn,
    )
    if asked.viewed:
        _err(f"Answering from a view: {asked.viewed}.")
    return asked


def _remote(
    url: str,
    graph: str,
    user: str,
    token_env: str,
    timeout: float | None,
    update: str = "",
    store: str = "",
) -> Remote:
    """A store elsewhere, and who asks it: secrets come from the environment or are typed, never shown."""
    from councilgraph import endpoint

    where = endpoint.address(url, update, store)
    if user and token_env:
        raise UsageError("--token-env", "cannot stand beside --user", "Give one of the two.")
    secret = os.environ.get(token_env or _PASSWORD, "") if user or token_env else ""
    if token_env and not secret:
        raise UsageError("--token-env", f"{token_env} is not set", "Put the token into that variable.")
    if user and not secret:
        if not sys.stdin.isatty():
            raise UsageError("--user", "has no password", f"Put it into {_PASSWORD}.")
        secret = click.prompt(f"Password of {user}", hide_input=True, err=True)
    who = endpoint.Credentials(user, secret)
    if secret and where.unsafe:
        _err(f"councilgraph: {url} is not encrypted: others on the way can read what you send.")
    return endpoint.Remote(where, graph, who, timeout or endpoint.ANSWER)


_PASSWORD = "COUNCILGRAPH_PASSWORD"  # noqa: S105 — a variable's name


def _progress() -> dataset.Progress:
    """Stages on standard error as they end."""

    def show(stage: str, result: str, seconds: float) -> None:
        _err(f"{stage:<10}{result}  ({seconds:.1f} s)")

    return show


def _answer(answer: Rows, form: str, asked: Graph) -> None:
    if form == "table":
        if not answer.rows:
            _err("No rows.")
            return
        _out(
            render.table(
                answer.columns, [[render.short(c) for c in row] for row in answer.rows], _width(), _colour()
            )
        )
    elif form == "turtle":
        from councilgraph import publish

        nodes = queries.iris(answer)
        _out(publish.turtle(t for node in nodes for t in dataset.triples(asked.store, node)))
    else:
        _out(render.rows(answer, form))


def _wanted(only: tuple[str, ...], made: dataset.Graph, rooms: Rooms) -> set[str]:
    """The files and the records that `--only` names."""
    files = {row.file for row in made.rows.values()}
    wanted: set[str] = set()
    for word in only:
        table = f"data/{word.removeprefix('data/').removesuffix('.csv')}.csv"
        if word.lower() == "changed":
            wanted |= dataset.changed(made, dataset.current(rooms)[0])
        elif table in files:
            wanted.add(table)
        else:
            try:
                wanted.add(queries.thing(made.store, rooms, word, "--only").value)
            except UsageError:
                names = {file.removeprefix("data/").removesuffix(".csv") for file in files}
                near = unknown("--only", word, names, "table")
                if "Did you mean" in near.remedy:
                    raise near from None
                why = f'"{word}" is no table, and no record that the graph knows'
                remedy = "Name a table, as in judgements; a record, by its IRI, name or code; or changed."
                raise UsageError("--only", why, remedy) from None
    return wanted


def _placed(found: list[Finding], files: tuple[str, ...], paths: list[Path]) -> list[Finding]:
    """Findings about RDF, each with the first of the files that says something of its focus node."""
    nodes = {finding.focus for finding in found}
    places = dataset.said_in(paths, nodes) if len(files) > 1 else dict.fromkeys(nodes, 0)
    return sorted(
        replace(finding, file=files[places[finding.focus]]) if finding.focus in places else finding
        for finding in found
    )


def _elsewhere(files: tuple[str, ...]) -> list[str]:
    """Those that are addresses."""
    return [file for file in files if file.startswith(("http://", "https://"))]


@contextmanager
def _local(
    files: tuple[str, ...], graph: str, user: str, token_env: str, timeout: float | None
) -> Iterator[list[Path]]:
    """Files by their paths, and graphs of endpoints as files, for as long as they are read."""
    remote = _elsewhere(files)
    with ExitStack() as stack:
        paths = []
        for file in files:
            if file in remote:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="councilgraph-")))
                paths.append(_remote(file, "", user, token_env, timeout).fetch(graph, folder))
            else:
                paths.append(Path(file))
        yield paths


def _within(seconds: float) -> None:
    """Run this same command in a process of its own, and end with it; CouncilgraphError if it takes too long.

    A query that runs for ever inside the store cannot be interrupted from the same process.
    """
    if os.environ.get(_CHILD):
        if hasattr(signal, "alarm"):  # should the parent be killed, this process ends all the same
            signal.alarm(int(seconds) + 2)
        return
    import subprocess

    command = [sys.executable, "-m", "councilgraph", *sys.argv[1:]]
    try:
        done = subprocess.run(command, env={**os.environ, _CHILD: "1"}, timeout=seconds, check=False)  # noqa: S603 — the command that is running
    except subprocess.TimeoutExpired as error:
        raise CouncilgraphError(
            "check",
            f"was not done after {seconds:g} seconds",
            "Give it longer, or find the rule that takes so long with --shape.",
        ) from error
    if done.returncode < 0:
        raise CouncilgraphError(
            "check",
            f"was ended by the system ({signal.strsignal(-done.returncode)})",
            "Give it more memory, or find the rule that takes so much with --shape.",
        )
    sys.exit(done.returncode)


_CHILD = "COUNCILGRAPH_CHECK_IN_TIME"


def _document(found: Document, form: str) -> None:
    if form == "table":
        _out(render.sections(found, _width(), _colour()))
    else:
        _out(render.document(found, form))


def _triples(triples: list[Triple], form: str) -> None:
    from councilgraph import publish

    if form in ("table", "turtle"):
        _out(publish.turtle(triples))
    else:
        columns = ("subject", "predicate", "object")
        _out(render.rows(Rows(columns, [tuple(triple) for triple in triples]), form))


def _list(rooms: Rooms, form: str) -> None:
    if form == "turtle":
        from councilgraph import publish

        _out(publish.turtle(publish.catalogue(queries.catalogue(rooms))))
        return
    columns = ("name", "title", "parameters", "question")
    lines = [
        (q.name, q.title, " ".join(f"--{p.name}" for p in q.params), q.question)
        for q in queries.catalogue(rooms)
    ]
    if form == "table":
        _out(render.table(columns[:3], [list(line[:3]) for line in lines], _width(), _colour()))
        return
    from pyoxigraph import Literal

    _out(render.rows(Rows(columns, [tuple(map(Literal, line)) for line in lines]), form))


def _findings(found: list[Finding]) -> None:
    _out(render.findings(found, "table"))
    _err(f"{len(found):,} finding{'' if len(found) == 1 else 's'}.")


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            str(file), f"cannot be read ({error.strerror})", "Name a file with a query."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(str(file), "is not UTF-8", "Save it as UTF-8.") from error


def _option(args: list[str], name: str) -> Path | None:
    for place, arg in enumerate(args):
        if arg == name and place + 1 < len(args):
            return Path(args[place + 1])
        if arg.startswith(f"{name}="):
            return Path(arg.partition("=")[2])
    return None


def _positional(args: list[str], flags: set[str]) -> str | None:
    """The query's name: the first word that is neither an option nor the value of one that is no flag."""
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg.startswith("-") and arg != "-":
            skip = "=" not in arg and arg not in flags
        else:
            return arg
    return None


def _metavar(param: Parameter) -> str:
    return "DAY" if param.kind == "date" else param.kind.rpartition("/")[2].upper()


def _quoted(text: str) -> str:
    return f"'{text}'" if not text.replace("-", "").isalnum() else text


def _width() -> int | None:
    return os.get_terminal_size().columns if sys.stdout.isatty() else None


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _out(text: str) -> None:
    sys.stdout.write(text)


def _err(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
