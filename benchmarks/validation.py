"""What checking a graph against the shapes takes, by engine and by size; what each finds; the goals missed.

    python benchmarks/validation.py [--sizes 10k,100k,national,1m] [--engines store,pyshacl,pyrudof,jena]
        [--rules all,core] [--runs N] [--limit SECONDS] [--pyshacl-everywhere]
        [--folder DIR] [--save FILE.json]

Every engine reads the same N-Triples, in which a hundred faults were made, and the same shapes, and runs in a
process of its own, so that time and peak memory are its own. It prints Markdown; how far it is goes to
stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, parse

# What is slow to import, or large, is imported in the processes that measure: the peak memory of a process
# counts from its parent's, so this one stays small.

#: About how many triples a size has; whole counties, or whole Englands, are not cut to make it exact.
SIZES = {"10k": 10_000, "100k": 100_000, "national": 0, "1m": 1_000_000}
ENGINES = {
    "store": "councilgraph",
    "pyshacl": "pyshacl on rdflib",
    "pyrudof": "pyrudof",
    "jena": "Jena",
}
RULES = {"all": "all shapes", "core": "core shapes alone, without `sh:sparql`"}
#: The goals: how many times as fast as pyshacl at 100,000 triples; bytes at a million, where it is also
#: faster than Jena; and the exponent of growth.
FASTER, MEMORY, LINEAR = 100, 2e9, 1.1
JENA = "5.6.0"  # 6 needs Java 21
CACHE = Path(__file__).parent.parent / ".cache"
SH = "http://www.w3.org/ns/shacl#"
TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
Report = dict[str, Any]
#: Focus node, path, source shape, constraint component.
Found = tuple[str, str, str, str]


class UnavailableError(Exception):
    """An engine that cannot be had here: why, and what to do."""


# The graphs: made in a process apart, and kept as N-Triples.


@dataclass(frozen=True)
class Made:
    """A graph of some size as N-Triples, and the records in which a fault was made, by kind of fault."""

    triples: Path
    count: int
    faults: dict[str, list[str]]
    counties: int


def made(size: str, folder: Path) -> Made:
    """The graph of a size, made if the folder does not have it yet."""
    triples, said = folder / f"{size}.nt", folder / f"{size}.json"
    if not said.exists():
        subprocess.run([sys.executable, __file__, "make", size, str(folder)], check=True)
    return Made(triples=triples, **json.loads(said.read_text(encoding="utf-8")))


def make(size: str, folder: Path) -> None:
    """Write a graph and what is to be known of it."""
    import generator

    from councilgraph import bundle, dataset

    whole = dataset.assemble(bundle.rooms()).store
    counties = 0
    store = Store()
    if size == "1m":
        store.bulk_extend(generator.repeated(whole, SIZES[size]))
    elif size == "national":
        store.bulk_extend(whole.quads_for_pattern(None, None, None, DefaultGraph()))
    else:
        aim = SIZES[size]
        for _ in range(2):  # how much is derived from a part is known only when it has been
            kept, counties = cut(whole, aim)
            store.clear()
            store.bulk_extend(kept)
            dataset.derive(store, bundle.rooms())
            store.remove_graph(dataset.DERIVED)
            aim = aim * SIZES[size] // len(store)
    faults = spoil(store)
    triples = folder / f"{size}.nt"
    store.dump(triples, RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
    with triples.open("rb") as lines:
        count = sum(1 for _ in lines)
    said = {"count": count, "faults": faults, "counties": counties}
    (folder / f"{size}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def cut(store: Store, wanted: int) -> tuple[list[Quad], int]:
    """About so many triples: whole counties with everything on record about them; and how many counties.

    A county is the areas and bodies that holdings tie together since 1974. What refers to two counties of
    which one is left out is left out; what is referred to stays. Derived triples are left out, to be derived
    anew; since they are a fifth of the graph, the cut is that much smaller.
    """
    from councilgraph import dataset
    from councilgraph.namespaces import CG, ID

    derived = {quad.triple for quad in store.quads_for_pattern(None, None, None, dataset.DERIVED)}
    own: dict[str, list[Quad]] = defaultdict(list)  # of each record, what is said of it
    common = []  # ontology and concepts
    for quad in store.quads_for_pattern(None, None, None, DefaultGraph()):
        if not quad.subject.value.startswith(ID):
            common.append(quad)
        elif quad.triple not in derived:
            own[quad.subject.value].append(quad)
    leads = {
        name: [q.object.value for q in said if isinstance(q.object, NamedNode) and q.object.value in own]
        for name, said in own.items()
    }
    counties = _tied(
        [q.object.value for q in said if q.predicate in (CG.isHeldBy, CG.coversArea)]
        for said in own.values()
        if any(q.predicate == TYPE and q.object == CG.Holding for q in said)
    )
    touches = {name: set(_touched(name, leads, counties)) for name in own}
    every = sorted(set(counties.values()))
    share = 1 - len(derived) / sum(map(len, own.values()))
    choices = []
    for many in range(1, len(every) + 1):
        chosen = set(every[:many])
        kept = {name for name, counties_ in touches.items() if counties_ and counties_ <= chosen}
        waiting = list(kept)
        while waiting:
            fresh = set(leads[waiting.pop()]) - kept
            kept |= fresh
            waiting += fresh
        count = len(common) + sum(len(own[name]) for name in kept) / share
        choices.append((abs(count - wanted), many, kept))
    _, many, kept = min(choices, key=lambda choice: choice[:2])
    return [*common, *(quad for name in sorted(kept) for quad in own[name])], many


def _tied(groups: Iterator[list[str]] | Any) -> dict[str, str]:
    """Of each member of groups that overlap, the first name among all that it is tied to."""
    first: dict[str, str] = {}

    def find(name: str) -> str:
        while first.setdefault(name, name) != name:
            name = first[name]
        return name

    for group in groups:
        for name in group[1:]:
            one, other = sorted((find(group[0]), find(name)))
            first[other] = one
    return {name: find(name) for name in list(first)}


def _touched(name: str, leads: dict[str, list[str]], counties: dict[str, str]) -> Iterator[str]:
    """The counties that a record leads to."""
    seen, waiting = {name}, [name]
    while waiting:
        at = waiting.pop()
        if at in counties:
            yield counties[at]
            continue
        fresh = set(leads[at]) - seen
        seen |= fresh
        waiting += fresh


def spoil(store: Store, each: int = 10) -> dict[str, list[str]]:
    """Make ten faults of each kind, spread evenly over the records by name; the records with them."""
    from councilgraph.namespaces import CG, DCTERMS, ID, SKOS, XSD

    concept = ID.removesuffix("id/") + "concept/"

    def day(text: str) -> Literal:
        return Literal(text, datatype=XSD.date)

    # Of each kind: the class of its records, the property, its new value, and whether the old ones stay.
    kinds: dict[str, tuple[NamedNode, NamedNode, NamedNode | Literal | None, bool]] = {
        "a holding that nobody holds": (CG.Holding, CG.isHeldBy, None, False),
        "a second framework": (CG.Inspection, CG.follows, NamedNode(f"{ID}framework/sif"), True),
        # Not where a day is compared with another: pyshacl breaks off at one that cannot be.
        "a day of a thirteenth month": (CG.Tenure, CG.observedOn, day("2019-13-01"), True),
        "a topic of another scheme": (
            CG.Judgement,
            CG.isAbout,
            NamedNode(f"{concept}function/principal"),
            False,
        ),
        "a code with a space": (CG.Identifier, SKOS.notation, Literal("E06 000"), False),
        "a start after the latest start": (CG.NameUse, CG.fromEarliest, day("2999-01-01"), False),
        "a source that is not registered": (
            CG.Designation,
            DCTERMS.source,
            NamedNode(f"{ID}source/none"),
            True,
        ),
        "an effect on nobody": (CG.Effect, CG.concerns, NamedNode(f"{ID}body/nobody"), False),
        "the first day of a spreadsheet": (CG.Source, CG.publishedEarliest, day("1900-01-01"), False),
        "a claim about nothing": (
            CG.Claim,
            NamedNode(TYPE.value.replace("#type", "#subject")),
            NamedNode(f"{ID}body/nobody"),
            False,
        ),
    }
    faults = {}
    for kind, (of, predicate, value, stays) in kinds.items():
        told = {quad.subject.value for quad in store.quads_for_pattern(None, TYPE, of)}
        if not stays:
            told &= {quad.subject.value for quad in store.quads_for_pattern(None, predicate, None)}
        names = sorted(told)
        some = min(each, len(names))
        faults[kind] = [names[place * len(names) // some] for place in range(some)]
        for name in map(NamedNode, faults[kind]):
            if not stays:
                for quad in list(store.quads_for_pattern(name, predicate, None, DefaultGraph())):
                    store.remove(quad)
            if value is not None:
                store.add(Quad(name, predicate, value, DefaultGraph()))
    return faults


def write_rules(folder: Path) -> dict[str, Path]:
    """The shapes as N-Triples: all of them; without their SPARQL; and none, to measure what reading takes."""
    paths = {name: folder / f"shapes.{name}.nt" for name in (*RULES, "none")}
    subprocess.run([sys.executable, __file__, "rules", *map(str, paths.values())], check=True)
    return paths


def rules(whole: Path, core: Path, none: Path) -> None:
    """Write what `write_rules` says."""
    from councilgraph import bundle

    quads = [
        quad
        for path in sorted(bundle.rooms().shapes.glob("*.ttl"))
        for quad in parse(path.read_bytes(), format=RdfFormat.TURTLE)
    ]
    for path, left_out in ((whole, ()), (core, (f"{SH}sparql",))):
        store = Store()
        store.extend(quad for quad in quads if quad.predicate.value not in left_out)
        store.dump(path, RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
    none.write_text("", encoding="utf-8")


# The engines: each gives the seconds of its parts, and leaves a validation report.


def by_store(data: Path, shapes: Path, report: Path) -> dict[str, float]:
    """What `councilgraph check FILE` does."""
    import rdflib

    from councilgraph import dataset, validation

    rules = rdflib.Graph().parse(shapes, format="nt")
    start = time.perf_counter()
    graph = dataset.read_files([data], None)
    read, worked = time.perf_counter(), time.process_time()
    found = validation.validate(graph, rules)
    done, working = time.perf_counter(), time.process_time()
    found.serialize(report, format="nt", encoding="utf-8")
    return {"load": read - start, "validate": done - read, "work": working - worked}


def by_pyshacl(data: Path, shapes: Path, report: Path) -> dict[str, float]:
    """The reference, on a graph that it may write into: it need not copy it."""
    import pyshacl
    import rdflib

    rdflib.NORMALIZE_LITERALS = False
    rules = rdflib.Graph().parse(shapes, format="nt")
    start = time.perf_counter()
    graph = rdflib.Graph().parse(data, format="nt")
    read, worked = time.perf_counter(), time.process_time()
    _, found, _ = pyshacl.validate(graph, shacl_graph=rules, inplace=True, allow_warnings=True)
    done, working = time.perf_counter(), time.process_time()
    found.serialize(report, format="nt", encoding="utf-8")
    return {"load": read - start, "validate": done - read, "work": working - worked}


def by_pyrudof(data: Path, shapes: Path, report: Path) -> dict[str, float]:
    """Rudof's engine in Rust, in its native mode."""
    import pyrudof as rudof

    engine = rudof.Rudof(rudof.RudofConfig())
    engine.read_shacl(shapes, rudof.ShaclFormat.NTriples)
    start = time.perf_counter()
    engine.read_data(data, rudof.RDFFormat.NTriples)
    read, worked = time.perf_counter(), time.process_time()
    engine.validate_shacl()
    done, working = time.perf_counter(), time.process_time()
    text = engine.serialize_shacl_validation_results(rudof.ResultShaclValidationFormat.NTriples)
    report.write_text(text, encoding="utf-8")
    return {"load": read - start, "validate": done - read, "work": working - worked}


EMBEDDED = {"store": by_store, "pyshacl": by_pyshacl, "pyrudof": by_pyrudof}


def jena() -> Path:
    """The folder of Jena's command line, fetched once; UnavailableError where it cannot be."""
    home = CACHE / f"jena-cmds-{JENA}"
    if not shutil.which("java"):
        raise UnavailableError("there is no Java here; install a runtime of 17 or newer")
    if not home.exists():
        if not shutil.which("mvn"):
            raise UnavailableError("it was never fetched, and there is no Maven here; install it")
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as fetching:
            pom, jars = Path(fetching) / "pom.xml", Path(fetching) / "jars"
            pom.write_text(
                "<project><modelVersion>4.0.0</modelVersion><groupId>councilgraph</groupId>"
                "<artifactId>benchmark</artifactId><version>1</version><dependencies><dependency>"
                f"<groupId>org.apache.jena</groupId><artifactId>jena-cmds</artifactId><version>{JENA}</version>"
                "</dependency></dependencies></project>",
                encoding="utf-8",
            )
            command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(pom)]
            command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
            tell("fetching Jena")
            fetched = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            if fetched.returncode or not jars.exists():
                raise UnavailableError(f"it could not be fetched: {(fetched.stdout or '?').splitlines()[0]}")
            jars.rename(home)
    return home


def command(engine: str, data: Path, shapes: Path, report: Path, said: Path) -> list[str]:
    """The command line of an engine; UnavailableError where it cannot be had."""
    if engine == "jena":
        line = ["java", "-cp", f"{jena()}/*", "shacl.shacl_validate"]
        return [*line, "--shapes", str(shapes), "--data", str(data)]
    if not find_spec(engine if engine != "store" else "councilgraph"):
        raise UnavailableError("it is not installed; pip install -e '.[bench]'")
    return [sys.executable, __file__, "run", engine, *map(str, (data, shapes, report, said))]


def measure(engine: str, data: Path, shapes: Path, report: Path, limit: int) -> Report:
    """Run an engine once: seconds, of processors too, and peak memory; or that it failed or took too long.

    The limit is one of processors' time, since other work on the machine does not lengthen that.
    """
    report.unlink(missing_ok=True)
    said = report.with_suffix(".json")
    said.unlink(missing_ok=True)
    line = command(engine, data, shapes, report, said)
    with report.with_suffix(".out").open("wb") as out, report.with_suffix(".err").open("wb") as err:
        start = time.perf_counter()
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (limit, limit + 10))
        late = threading.Timer(10 * limit, process.kill)  # should it only wait
        late.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            late.cancel()
        took = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    cell: Report = {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
    if process.returncode == -signal.SIGXCPU or took >= 10 * limit:
        return {**cell, "over": limit}
    if engine == "jena":  # it writes what it finds to its output
        report.with_suffix(".out").replace(report)
    if process.returncode or not report.exists():
        told = report.with_suffix(".err").read_text(errors="replace").strip().splitlines()
        return {**cell, "failed": told[-1] if told else f"ended with {process.returncode}"}
    parts = json.loads(said.read_text()) if said.exists() else {}
    return {**cell, "seconds": took, **parts}


def findings(report: Path) -> Counter[Found]:
    """The results of a validation report, by what every engine must say alike."""
    said: dict[Any, dict[str, str]] = defaultdict(dict)
    results = set()
    for quad in parse(report.read_bytes(), format=RdfFormat.TURTLE):  # N-Triples is Turtle
        predicate, value = quad.predicate.value, quad.object
        if predicate == f"{SH}result":
            results.add(value)
        elif predicate.startswith(SH):
            said[quad.subject][predicate.removeprefix(SH)] = (
                "_:" if isinstance(value, BlankNode) else value.value
            )
    names = ("focusNode", "resultPath", "sourceShape", "sourceConstraintComponent")
    return Counter(tuple(said[result].get(name, "") for name in names) for result in results)  # type: ignore[misc] # four, as Found has


# The whole run.


def fill(report: Report, args: argparse.Namespace, folder: Path) -> None:
    """Measure size by size, rules by rules and engine by engine."""
    shapes = write_rules(folder)
    for size in args.sizes:
        tell(f"{size}: making the graph")
        graph = made(size, folder)
        sheet = report["sizes"][size] = {
            "triples": graph.count,
            "counties": graph.counties,
            "faults": {kind: len(names) for kind, names in graph.faults.items()},
            "rules": {},
        }
        for which in args.rules:
            column: Report = {}
            told = sheet["rules"][which] = {"engines": column, "judge": "", "differs": {}}
            results: dict[str, Counter[Found]] = {}
            loads: list[Report] = []  # Jena's, on no shapes: it does not say what reading takes
            for engine in args.engines:
                if engine == "pyshacl" and size == "1m" and not args.pyshacl_everywhere:
                    column[engine] = {"left": "not run; `--pyshacl-everywhere` runs it"}
                    continue
                tell(f"{size}: {graph.count:,} triples, {RULES[which]}: {ENGINES[engine]}")
                path = folder / f"report.{size}.{which}.{engine}.ttl"
                try:
                    if engine == "jena":
                        empty = folder / f"report.{size}.none.jena.ttl"
                        loads = [
                            run
                            for _ in range(args.runs)
                            if "seconds"
                            in (run := measure(engine, graph.triples, shapes["none"], empty, args.limit))
                        ]
                    runs = [measure(engine, graph.triples, shapes[which], path, args.limit)]
                    while "seconds" in runs[-1] and len(runs) < args.runs:
                        runs.append(measure(engine, graph.triples, shapes[which], path, args.limit))
                except UnavailableError as error:
                    column[engine] = {"left": str(error)}
                    tell(f"{ENGINES[engine]}: {error}")
                    continue
                cell = column[engine] = sorted(runs, key=lambda run: run.get("seconds", 0))[len(runs) // 2]
                if "seconds" in cell:
                    if loads:
                        load = sorted(loads, key=lambda run: run["seconds"])[len(loads) // 2]
                        cell |= {"load": load["seconds"], "validate": cell["seconds"] - load["seconds"]}
                        cell |= {"work": cell["cpu"] - load["cpu"]}
                    results[engine] = findings(path)
                    focus = {found[0] for found in results[engine]}
                    cell["findings"] = results[engine].total()
                    cell["faults"] = sum(name in focus for names in graph.faults.values() for name in names)
                tell(f"{size}: {RULES[which]}: {ENGINES[engine]}: {shown(cell)}")
                if args.save:
                    args.save.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            judge = next((e for e in ("pyshacl", "store", *results) if e in results), "")
            told["judge"] = judge
            told["differs"] = {e: differences(r, results[judge]) for e, r in results.items() if e != judge}
    if args.save:
        args.save.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def differences(mine: Counter[Found], judge: Counter[Found]) -> list[tuple[str, str, int, int]]:
    """Where findings differ from the judge's: shape, component, how many more, how many fewer."""
    more, fewer = mine - judge, judge - mine
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for place, several in enumerate((more, fewer)):
        for (_, _, shape, component), many in several.items():
            counts[_short(shape), _short(component).removesuffix("ConstraintComponent")][place] += many
    return [(shape, component, *found) for (shape, component), found in sorted(counts.items())]  # type: ignore[misc] # found is the two counts, more and fewer


def _short(iri: str) -> str:
    return iri.rpartition("#")[2] or iri


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def machine() -> str:
    """What the numbers were measured on, and with."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = []
    for name in ("pyoxigraph", "rdflib", "pyshacl", "pyrudof"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    if shutil.which("java"):
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S607 — whichever Java is there
        java = re.search(r'version "([^"]+)', said)
        packages += [f"Jena {JENA}", f"Java {java[1] if java else '?'}"]
    day = f"{date.today():%d %B %Y}".lstrip("0")
    busy = f"load {os.getloadavg()[0]:.1f} before"
    hardware = f"{os.cpu_count()} cores ({busy}), {memory:.0f} GiB"
    return f"{day}, {hardware}, Python {sys.version.split()[0]}, {', '.join(packages)}"


def shown(cell: Report, part: str = "seconds") -> str:
    """Seconds; or that it took too long, or failed, or was left out."""
    if part in cell:
        return f"{cell[part]:.2f}" if cell[part] < 10 else f"{cell[part]:,.0f}"
    if "over" in cell:
        return "over the limit" if part == "seconds" else ""
    return ("failed" if "failed" in cell else "not run") if part == "seconds" else ""


def tables(report: Report) -> str:
    """The report in Markdown: a table for each size and rules, then growth and goals."""
    parts = [f"{report['machine']}; times in seconds, the median of {report['runs']}"]
    for size, sheet in report["sizes"].items():
        of = (
            f", {sheet['counties']} {'county' if sheet['counties'] == 1 else 'counties'}"
            if sheet["counties"]
            else ""
        )
        parts.append(f"### {size}: {sheet['triples']:,} triples{of}, {sum(sheet['faults'].values())} faults")
        for which, told in sheet["rules"].items():
            lines = [
                [
                    RULES[which],
                    "process",
                    "its loading",
                    "its validating",
                    "processors",
                    "validating",
                    "peak memory",
                    "findings",
                    "faults found",
                    f"differs from {ENGINES.get(told['judge'], 'none')}",
                ]
            ]
            notes = []
            for engine, cell in told["engines"].items():
                done = "seconds" in cell
                differs = told["differs"].get(engine)
                lines.append(
                    [
                        ENGINES[engine],
                        *(shown(cell, part) for part in ("seconds", "load", "validate")),
                        *(shown(cell, part) if part in cell else "" for part in ("cpu", "work")),
                        f"{cell['peak'] / 1e6:,.0f} MB" if "peak" in cell else "",
                        f"{cell['findings']:,}" if done else "",
                        str(cell["faults"]) if done else "",
                        ""
                        if differs is None
                        else str(sum(m + f for *_, m, f in differs))
                        if differs
                        else "no",
                    ]
                )
                if why := cell.get("left") or cell.get("failed"):
                    notes.append(f"{ENGINES[engine]}: {why}.")
                for shape, component, more, fewer in differs or ():
                    counts = [f"{n} {word}" for n, word in ((more, "more"), (fewer, "fewer")) if n]
                    notes.append(f"{ENGINES[engine]}, `{shape}`, {component}: {' and '.join(counts)}.")
            parts.append(markdown(lines))
            if notes:
                parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(
        [*parts, *growth(report), "### Goals", "\n".join(f"- {goal}" for goal in goals(report))]
    )


def markdown(lines: list[list[str]]) -> str:
    head, *rest = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, f"|---|{'--:|' * (len(lines[0]) - 1)}", *rest])


def cell_of(report: Report, size: str, engine: str, which: str = "all") -> Report:
    told = report["sizes"].get(size, {}).get("rules", {}).get(which, {})
    found: Report = told.get("engines", {}).get(engine, {})
    return found


def exponent(
    report: Report, engine: str, small: str, large: str, part: str, which: str = "all"
) -> float | None:
    """By which power of the number of triples a time grows from one size to another."""
    cells = (cell_of(report, size, engine, which) for size in (small, large))
    one, other = (cell.get(part) if "seconds" in cell else None for cell in cells)
    if not one or not other:
        return None
    triples = [report["sizes"][size]["triples"] for size in (small, large)]
    return log(other / one) / log(triples[1] / triples[0])


def growth(report: Report) -> list[str]:
    """The exponents of growth of processors' time from each size to the next: the process, and validating."""
    steps = list(zip(report["sizes"], list(report["sizes"])[1:], strict=False))
    if not steps:
        return []
    head = [f"{part}, {small} to {large}" for small, large in steps for part in ("process", "validating")]
    lines = [["", *head]]
    for which in next(iter(report["sizes"].values()))["rules"]:
        for engine in ENGINES:
            powers = [
                exponent(report, engine, *step, part, which) for step in steps for part in ("cpu", "work")
            ]
            if any(power is not None for power in powers):
                cells = ["" if power is None else f"n^{power:.2f}" for power in powers]
                lines.append([f"{ENGINES[engine]}, {RULES[which].partition(',')[0]}", *cells])
    return ["### Growth of processors' time", markdown(lines)]


def goals(report: Report) -> Iterator[str]:
    """Each goal, with what was measured, all shapes: processors' time, to which other work adds little."""

    def said(goal: str, measured: str, met: bool | None) -> str:
        return (
            f"{goal}: {measured or 'not measured'}{'' if met is None else ', met' if met else ', **missed**'}"
        )

    mine, theirs = (cell_of(report, "100k", engine) for engine in ("store", "pyshacl"))
    for part, name in (("cpu", "the process"), ("work", "validating")):
        goal = f"{FASTER}x as fast as pyshacl at 100,000 triples, {name}"
        if part in mine and "seconds" in theirs:
            times = theirs[part] / mine[part]
            yield said(goal, f"{times:,.0f}x", times >= FASTER)
        elif part in mine and "over" in theirs:  # validating is more times as fast
            times = theirs["cpu"] / mine["cpu"]
            yield said(goal, f"more than {times:,.0f}x", True if times >= FASTER else None)
        else:
            yield said(goal, "", None)
    mine, theirs = (cell_of(report, "1m", engine) for engine in ("store", "jena"))
    goal = "faster than Jena at 1 million triples, the process"
    if "seconds" in mine and "seconds" in theirs:
        ours, other = mine["seconds"], theirs["seconds"]
        yield said(goal, f"{shown(mine)} s against {shown(theirs)} s", ours < other)
        goal = "the same, processors' time"
        told = f"{shown(mine, 'cpu')} s against {shown(theirs, 'cpu')} s"
        yield said(goal, told, mine["cpu"] < theirs["cpu"])
    else:
        yield said(goal, "", None)
    peak = mine.get("peak") if "seconds" in mine else None
    yield said(
        f"under {MEMORY / 1e9:g} GB at 1 million triples",
        f"{peak / 1e9:.2f} GB" if peak else "",
        peak < MEMORY if peak else None,
    )
    for small in ("10k", "100k"):
        for part, name in (("cpu", "the process"), ("work", "validating")):
            power = exponent(report, "store", small, "1m", part)
            yield said(
                f"growth of {name} from {small} to 1m of n^{LINEAR} at most",
                "" if power is None else f"n^{power:.2f}",
                None if power is None else power <= LINEAR,
            )


#: What the processes that this one starts are asked to do.
PARTS: dict[str, Callable[..., None]] = {
    "make": lambda size, folder: make(size, Path(folder)),
    "rules": lambda *paths: rules(*map(Path, paths)),
    "run": lambda engine, *paths: run(engine, *map(Path, paths)),
}


def run(engine: str, data: Path, shapes: Path, report: Path, said: Path) -> None:
    """Run an engine of this process."""
    said.write_text(json.dumps(EMBEDDED[engine](data, shapes, report)), encoding="utf-8")


def main() -> None:
    """Measure, and print the tables."""
    if len(sys.argv) > 1 and sys.argv[1] in PARTS:
        PARTS[sys.argv[1]](*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10k,100k,1m", help=f"of {','.join(SIZES)} (%(default)s)")
    parser.add_argument("--engines", default=",".join(ENGINES), help="of %(default)s")
    parser.add_argument("--rules", default=",".join(RULES), help="of %(default)s")
    parser.add_argument("--runs", type=int, default=1, help="of each (%(default)s)")
    parser.add_argument("--limit", type=int, default=900, help="processors' seconds for a run (%(default)s)")
    parser.add_argument("--pyshacl-everywhere", action="store_true", help="at a million triples too")
    parser.add_argument("--folder", type=Path, help="where the graphs are made, and kept for the next time")
    parser.add_argument("--save", type=Path, metavar="FILE.json", help="where the numbers are written too")
    args = parser.parse_args()
    for option, known in (("sizes", SIZES), ("engines", ENGINES), ("rules", RULES)):
        asked = getattr(args, option).split(",")
        if strange := set(asked) - set(known):
            parser.error(f"--{option}: {', '.join(sorted(strange))}: take {', '.join(known)}")
        setattr(args, option, [name for name in known if name in asked])
    report: Report = {"machine": machine(), "runs": args.runs, "sizes": {}}
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        fill(report, args, folder)
    print(tables(report))


if __name__ == "__main__":
    main()
