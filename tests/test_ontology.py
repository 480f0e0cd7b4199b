"""The ontology is complete, says what it means, and has no term that nothing uses."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache

import pytest
from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QuerySolutions,
    RdfFormat,
    Store,
    parse,
)

from conftest import ROOT
from councilgraph import __version__, bundle, dataset
from councilgraph.concepts import TABLES
from councilgraph.namespaces import BASE, PREFIXES, SCHEMES, compact

ROOMS = bundle.rooms(ROOT)
QUADS = dataset.vocabulary(ROOMS)[0]
CG = PREFIXES["cg"]
RDF_TYPE = f"{PREFIXES['rdf']}type"


def said(subject: str, predicate: str) -> list[object]:
    prefix, _, local = predicate.partition(":")
    return [
        q.object
        for q in QUADS
        if q.subject.value == subject and q.predicate.value == PREFIXES[prefix] + local
    ]


@cache
def national() -> Store:
    """The whole graph, derived triples and all."""
    return dataset.assemble(ROOMS).store


TERMS = sorted({q.subject.value for q in QUADS if q.subject.value.startswith(CG)})
CONCEPTS = sorted({q.subject.value for q in QUADS if q.predicate.value == f"{PREFIXES['skos']}inScheme"})


def test_no_blank_node() -> None:
    assert not [q for q in QUADS if isinstance(q.subject, BlankNode) or isinstance(q.object, BlankNode)]


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.rpartition("#")[2])
def test_a_term_is_labelled_defined_and_sourced(term: str) -> None:
    assert len(said(term, "rdfs:label")) == 1
    definitions = said(term, "skos:definition")
    assert len(definitions) == 1
    assert definitions[0].value.endswith(".")
    assert definitions[0].language == "en"
    assert said(term, "dcterms:source")
    assert said(term, "rdfs:isDefinedBy") == [NamedNode(CG.rstrip("#"))]
    assert said(term, "skos:example")


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda c: "/".join(c.split("/")[-2:]))
def test_a_concept_is_labelled_defined_and_in_its_scheme(concept: str) -> None:
    assert len(said(concept, "skos:prefLabel")) == 1
    assert said(concept, "skos:definition")[0].value.endswith(".")
    assert said(concept, "skos:inScheme") == [NamedNode(concept.rpartition("/")[0])]


def test_every_scheme_has_a_prefix_and_every_prefix_a_scheme() -> None:
    schemes = {
        q.subject.value
        for q in QUADS
        if q.predicate.value == RDF_TYPE and q.object == NamedNode(f"{PREFIXES['skos']}ConceptScheme")
    }
    assert {s.rpartition("/")[2] for s in schemes} == set(SCHEMES.values())


def test_a_term_is_defined_once() -> None:
    labels = Counter(q.subject.value for q in QUADS if q.predicate.value == f"{PREFIXES['rdfs']}label")
    assert {term: n for term, n in labels.items() if n > 1} == {}


def _used() -> set[str]:
    texts = [path.read_text() for room in ("shapes", "queries") for path in (ROOT / room).rglob("*.*")]
    named = set(re.findall(r"\bcg:(\w+)", "\n".join(texts)))
    package = "\n".join(path.read_text() for path in (ROOT / "loader").rglob("*.py"))
    return named | set(re.findall(r"\bCG\.(\w+)", package))


def test_every_term_is_used_by_a_table_a_shape_or_a_query() -> None:
    claimed = {q.object.value for q in national() if q.predicate.value == f"{PREFIXES['rdf']}predicate"}
    used = {CG + name for name in _used()} | claimed
    assert set(TERMS) - used == set()


def test_every_term_that_is_used_is_defined() -> None:
    assert {CG + name for name in _used()} - set(TERMS) - {f"{CG}x"} == set()


def test_every_column_that_says_something_says_a_term_of_a_vocabulary() -> None:
    for table in TABLES.values():
        for predicate in table.predicates():
            base = (
                predicate.rpartition("#")[0] + "#" if "#" in predicate else predicate.rpartition("/")[0] + "/"
            )
            assert base in PREFIXES.values()
            if base == CG:
                assert predicate in TERMS


def test_used_classes_of_the_data_are_defined() -> None:
    types = {q.object.value for q in national() if q.predicate.value == RDF_TYPE and isinstance(q, Quad)}
    assert {t for t in types if t.startswith(CG)} <= set(TERMS)


# What ROBOT's report looks for (the same names), as far as it can happen in an ontology without OBO's terms.

#: A check, the SELECT that finds what is wrong, and Turtle that is wrong so.
REPORT: dict[str, tuple[str, str]] = {
    # annotation_whitespace: a text begins or ends with a blank, or has two in a row
    "annotation_whitespace": (
        r'SELECT ?x WHERE { ?x ?says ?text . FILTER (isLiteral(?text) && REGEX(STR(?text), "^\\s|\\s$|\\s\\s")) }',
        'cg:Area skos:note "two  blanks"@en .',
    ),
    # deprecated_boolean_datatype: owl:deprecated is a boolean
    "deprecated_boolean_datatype": (
        "SELECT ?x WHERE { ?x owl:deprecated ?is . FILTER (DATATYPE(?is) != xsd:boolean) }",
        'cg:Area owl:deprecated "true" .',
    ),
    # deprecated_class_reference, deprecated_property_reference: nothing that stays builds on what goes
    "deprecated_reference": (
        """SELECT ?x WHERE {
             ?x rdfs:subClassOf|rdfs:subPropertyOf|rdfs:domain|rdfs:range|skos:broader ?gone .
             ?gone owl:deprecated true .
           }""",
        "cg:Area owl:deprecated true .",
    ),
    # duplicate_definition: two terms are defined in the same words
    "duplicate_definition": (
        """SELECT ?x WHERE { ?x skos:definition ?one . ?y skos:definition ?two .
             FILTER (?x != ?y && LCASE(STR(?one)) = LCASE(STR(?two))) }""",
        'cg:one skos:definition "Same."@en . cg:two skos:definition "same."@en .',
    ),
    # duplicate_label: two terms, or two concepts of a scheme, have the same label
    "duplicate_label": (
        """SELECT ?x WHERE {
             { ?x rdfs:label ?one . ?y rdfs:label ?two }
             UNION { ?x skos:inScheme ?scheme ; skos:prefLabel ?one . ?y skos:inScheme ?scheme ; skos:prefLabel ?two }
             FILTER (?x != ?y && LCASE(STR(?one)) = LCASE(STR(?two)))
           }""",
        'cg:example rdfs:label "Area"@en .',
    ),
    # duplicate_exact_synonym, duplicate_label_synonym: another label of a concept is no label of a second one
    # in its scheme, nor its own preferred one (SKOS S13)
    "duplicate_synonym": (
        """SELECT ?x WHERE {
             ?x skos:inScheme ?scheme ; skos:altLabel ?one .
             ?y skos:inScheme ?scheme ; ?labels ?two .
             FILTER (?labels IN (skos:prefLabel, skos:altLabel) && LCASE(STR(?one)) = LCASE(STR(?two)))
             FILTER (?x != ?y || ?labels = skos:prefLabel)
           }""",
        'grade:good skos:altLabel "Outstanding"@en .',
    ),
    # equivalent_pair: two terms that are each below the other are one
    "equivalent_pair": (
        """SELECT ?x WHERE {
             { ?x rdfs:subClassOf+ ?x } UNION { ?x rdfs:subPropertyOf+ ?x } UNION { ?x skos:broader+ ?x }
             UNION { ?x owl:equivalentClass|owl:equivalentProperty ?y }
           }""",
        "cg:Area rdfs:subClassOf cg:Atom .",
    ),
    # illegal_use_of_built_in_vocabulary: we say nothing of anybody else's terms
    "illegal_use_of_built_in_vocabulary": (
        f'SELECT ?x WHERE {{ ?x ?says ?what . FILTER (!STRSTARTS(STR(?x), "{BASE}")) }}',
        'rdf:type rdfs:label "is a"@en .',
    ),
    # invalid_entity_uri: classes and individuals LikeThis, properties likeThis, concepts like-this
    "invalid_entity_uri": (
        f"""SELECT ?x WHERE {{
             {{ ?x a owl:Class . FILTER (!REGEX(STR(?x), "#[A-Z][A-Za-z]*$")) }}
             UNION {{ ?x a owl:NamedIndividual . FILTER (!REGEX(STR(?x), "#[A-Z][A-Za-z]*$")) }}
             UNION {{ ?x a ?kind . FILTER (?kind IN (owl:ObjectProperty, owl:DatatypeProperty))
                      FILTER (!REGEX(STR(?x), "#[a-z][A-Za-z]*$")) }}
             UNION {{ ?x a skos:Concept . FILTER (!REGEX(STR(?x), "^{BASE}concept/[a-z0-9-]+/[a-z0-9]+(-[a-z0-9]+)*$")) }}
           }}""",
        "cg:area a owl:Class .",
    ),
    # invalid_xref: what a term refers to is an address on the web
    "invalid_xref": (
        r"""SELECT ?x WHERE {
             ?x dcterms:source|rdfs:isDefinedBy|rdfs:seeAlso ?there .
             FILTER (!isIRI(?there) || !REGEX(STR(?there), "^https?://[a-z0-9-]+(\\.[a-z0-9-]+)+/"))
           }""",
        "cg:Area dcterms:source <https://localhost/area> .",
    ),
    # label_formatting, label_whitespace: a label is one line
    "label_formatting": (
        r"""SELECT ?x WHERE { ?x rdfs:label|skos:prefLabel|skos:altLabel ?label .
             FILTER REGEX(STR(?label), "[\\n\\r\\t]|^ | $|  ") }""",
        r'cg:example rdfs:label "a\tlabel"@en .',
    ),
    # lowercase_definition: a definition is a sentence
    "lowercase_definition": (
        r'SELECT ?x WHERE { ?x skos:definition ?text . FILTER (!REGEX(?text, "^[A-Z].*\\.$")) }',
        'cg:example skos:definition "an example"@en .',
    ),
    # missing_definition
    "missing_definition": (
        """SELECT ?x WHERE { { ?x rdfs:isDefinedBy ?ontology } UNION { ?x a skos:Concept }
             FILTER NOT EXISTS { ?x skos:definition ?text } }""",
        "grade:example a skos:Concept .",
    ),
    # missing_label
    "missing_label": (
        """SELECT ?x WHERE {
             { ?x a ?kind . FILTER (?kind IN (owl:Class, owl:ObjectProperty, owl:DatatypeProperty, owl:NamedIndividual))
               FILTER NOT EXISTS { ?x rdfs:label ?label } }
             UNION { ?x a ?kind . FILTER (?kind IN (skos:Concept, skos:ConceptScheme))
               FILTER NOT EXISTS { ?x skos:prefLabel ?label } }
           }""",
        "cg:Example a owl:Class .",
    ),
    # misused_replaced_by: what is replaced is deprecated
    "misused_replaced_by": (
        "SELECT ?x WHERE { ?x dcterms:isReplacedBy ?y . FILTER NOT EXISTS { ?x owl:deprecated true } }",
        "cg:Area dcterms:isReplacedBy cg:Atom .",
    ),
    # multiple_definitions, multiple_labels (SKOS S14): one in a language
    "multiple_texts": (
        """SELECT ?x WHERE {
             VALUES ?says { rdfs:label skos:prefLabel skos:definition }
             ?x ?says ?one, ?two . FILTER (?one != ?two && LANG(?one) = LANG(?two))
           }""",
        'grade:good skos:prefLabel "fine"@en .',
    ),
}


def _ontology(*more: Quad) -> Store:
    store = Store()
    store.extend([*QUADS, *more])
    return store


def _rows(store: Store, query: str) -> list[str]:
    found = store.query(query, prefixes=PREFIXES)
    assert isinstance(found, QuerySolutions)
    return sorted({row["x"].value for row in found})


def _turtle(text: str) -> list[Quad]:
    head = "".join(f"@prefix {prefix}: <{base}> .\n" for prefix, base in PREFIXES.items())
    return list(parse(head + text, format=RdfFormat.TURTLE))


@pytest.mark.parametrize("check", REPORT)
def test_report(check: str) -> None:
    assert _rows(_ontology(), REPORT[check][0]) == []


@pytest.mark.parametrize("check", REPORT)
def test_report_finds_what_it_looks_for(check: str) -> None:
    query, wrong = REPORT[check]
    assert _rows(_ontology(*_turtle(wrong)), query)


# What FOOPS! asks of an ontology (the same names), as far as the graph itself can answer. What asks the network
# (CN1, DOC1, FIND2, FIND3, OM4.2, URI1, VER2), and OM3 and OM5.2, for what has been issued, are left out.

NODE = CG.rstrip("#")
ASKED: dict[str, str] = {
    # URI2: one ontology, whose IRI is the namespace of its terms
    "URI2": "?it a owl:Ontology . FILTER NOT EXISTS { ?x a owl:Ontology . FILTER (?x != ?it) }",
    # PURL1, HTTP1: a persistent address, over an open protocol
    "PURL1": f'?it a owl:Ontology . FILTER STRSTARTS(STR(?it), "{BASE}") FILTER STRSTARTS(STR(?it), "https://w3id.org/")',
    # VER1: a version has an IRI of its own, which is not the ontology's
    "VER1": f'?it owl:versionIRI <{NODE}/{__version__}> ; owl:versionInfo "{__version__}" .',
    # FIND1, OM2: the preferred prefix, and OM1: the namespace
    "FIND1": '?it vann:preferredNamespacePrefix "cg" .',
    "OM1 namespace": f'?it vann:preferredNamespaceUri "{CG}" .',
    # OM1, and ROBOT's missing_ontology_title, missing_ontology_description
    "OM1 title": '?it dcterms:title ?title . FILTER (LANG(?title) = "en")',
    "OM1 description": '?it dcterms:description ?text . FILTER (LANG(?text) = "en" && STRENDS(?text, "."))',
    "OM1 creator": "?it dcterms:creator ?who .",
    # OM1, OM4.1, and ROBOT's missing_ontology_license: the licence that README.md names for the ontology
    "OM4.1": "?it dcterms:license <https://creativecommons.org/licenses/by/4.0/> .",
    # OM2, OM5.1: days of creation and of the last change, in this order
    "OM5.1": """?it dcterms:created ?first ; dcterms:modified ?last .
                FILTER (DATATYPE(?first) = xsd:date && DATATYPE(?last) = xsd:date && ?first <= ?last)""",
    # OM2: how to cite it, with its version and its address
    "OM2 citation": f"""?it dcterms:bibliographicCitation ?text .
                        FILTER (CONTAINS(?text, "{__version__}") && STRENDS(?text, "{NODE}"))""",
    # VOC1: the words for all this are Dublin Core's, OWL's and vann's
    "VOC1": f"""?it a owl:Ontology . FILTER NOT EXISTS {{
                  ?it ?says ?what . FILTER (?says != rdf:type)
                  FILTER (!STRSTARTS(STR(?says), "{PREFIXES["dcterms"]}")
                          && !STRSTARTS(STR(?says), "{PREFIXES["owl"]}")
                          && !STRSTARTS(STR(?says), "{PREFIXES["vann"]}")) }}""",
}


def _answer(store: Store, pattern: str) -> bool:
    answer = store.query(f"ASK {{ VALUES ?it {{ <{NODE}> }} {pattern} }}", prefixes=PREFIXES)
    assert isinstance(answer, QueryBoolean)
    return bool(answer)


@pytest.mark.parametrize("check", ASKED)
def test_metadata(check: str) -> None:
    assert _answer(_ontology(), ASKED[check])


@pytest.mark.parametrize("check", ASKED)
def test_metadata_would_be_missed(check: str) -> None:
    store = Store()
    store.extend(q for q in QUADS if q.subject.value != NODE)
    assert not _answer(store, ASKED[check])


def test_the_licence_is_the_one_that_the_readme_names() -> None:
    words = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    (licence,) = said(NODE, "dcterms:license")
    assert f"ontology, shapes, queries and tables under [CC BY 4.0]({licence.value})" in words


def test_the_last_change_is_not_to_come() -> None:
    (modified,) = said(NODE, "dcterms:modified")
    assert date.fromisoformat(modified.value) <= date.today()


# VOC2: other vocabularies are built upon, and only these
@pytest.mark.parametrize("prefix", ["adms", "eli", "foaf", "geo", "org", "prov"])
def test_vocabularies_that_are_built_upon(prefix: str) -> None:
    base = PREFIXES[prefix]
    above = {f"{PREFIXES['rdfs']}{name}" for name in ("subClassOf", "subPropertyOf", "range")}
    assert [q for q in QUADS if q.predicate.value in above and q.object.value.startswith(base)]


@pytest.mark.parametrize("scheme", sorted(SCHEMES.values()))
def test_a_scheme_says_what_it_is(scheme: str) -> None:
    iri = f"{BASE}concept/{scheme}"
    assert len(said(iri, "dcterms:title")) == 1
    assert said(iri, "dcterms:title") == said(iri, "skos:prefLabel")
    assert said(iri, "dcterms:description")[0].value.endswith(".")
    assert said(iri, "dcterms:source")


# What the vocabularies that we build upon say of the terms that we use, and what follows.

ORG = "https://www.w3.org/ns/org (version 0.8)"
PROV = "https://www.w3.org/ns/prov-o"
FOAF = "http://xmlns.com/foaf/spec/"
SKOS = "https://www.w3.org/TR/skos-reference/ (S4 to S9, S18 to S25)"
ELI = "http://data.europa.eu/eli/ontology"
#: subject, what is said of it, of what, and who says so.
AXIOMS = [
    ("org:ChangeEvent", "rdfs:subClassOf", "prov:Activity", ORG),
    ("org:FormalOrganization", "rdfs:subClassOf", "org:Organization", ORG),
    ("org:Organization", "owl:equivalentClass", "foaf:Organization", ORG),
    ("org:Organization", "rdfs:subClassOf", "foaf:Agent", ORG),
    ("org:Organization", "owl:disjointWith", "org:ChangeEvent", ORG),
    ("org:Organization", "owl:disjointWith", "org:Membership", ORG),
    ("org:Membership", "owl:disjointWith", "org:ChangeEvent", ORG),
    ("org:postIn", "rdfs:domain", "org:Post", ORG),
    ("org:postIn", "rdfs:range", "org:Organization", ORG),
    ("org:resultingOrganization", "rdfs:domain", "org:ChangeEvent", ORG),
    ("org:resultingOrganization", "rdfs:range", "org:Organization", ORG),
    ("org:resultingOrganization", "owl:inverseOf", "org:resultedFrom", ORG),
    ("org:resultedFrom", "rdfs:subPropertyOf", "prov:wasGeneratedBy", ORG),
    ("prov:generated", "owl:inverseOf", "prov:wasGeneratedBy", PROV),
    ("prov:generated", "rdfs:domain", "prov:Activity", PROV),
    ("prov:generated", "rdfs:range", "prov:Entity", PROV),
    ("prov:used", "rdfs:domain", "prov:Activity", PROV),
    ("prov:used", "rdfs:range", "prov:Entity", PROV),
    ("prov:invalidated", "rdfs:domain", "prov:Activity", PROV),
    ("prov:invalidated", "rdfs:range", "prov:Entity", PROV),
    ("prov:Activity", "owl:disjointWith", "prov:Entity", PROV),
    ("foaf:Person", "rdfs:subClassOf", "foaf:Agent", FOAF),
    ("foaf:Person", "owl:disjointWith", "foaf:Organization", FOAF),
    ("skos:Concept", "owl:disjointWith", "skos:ConceptScheme", SKOS),
    ("skos:topConceptOf", "rdfs:subPropertyOf", "skos:inScheme", SKOS),
    ("skos:hasTopConcept", "owl:inverseOf", "skos:topConceptOf", SKOS),
    ("skos:inScheme", "rdfs:range", "skos:ConceptScheme", SKOS),
    ("skos:topConceptOf", "rdfs:domain", "skos:Concept", SKOS),
    ("skos:broader", "owl:inverseOf", "skos:narrower", SKOS),
    ("skos:broader", "rdfs:domain", "skos:Concept", SKOS),
    ("skos:broader", "rdfs:range", "skos:Concept", SKOS),
    ("eli:first_date_entry_in_force", "rdf:type", "owl:FunctionalProperty", ELI),
]
Fact = tuple[str, str, str]


def _axioms(*names: str, more: Iterable[Quad] = ()) -> list[tuple[str, str]]:
    """The pairs that some axioms tie together: those of the table, and our ontology's."""
    ours = [
        (compact(q.subject.value), compact(q.predicate.value), compact(q.object.value))
        for q in [*QUADS, *more]
    ]
    return [(s, o) for s, p, o in [*(axiom[:3] for axiom in AXIOMS), *ours] if p in names]


def _closure(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Everything above each term, itself included."""
    above: dict[str, set[str]] = defaultdict(set)
    for below, over in pairs:
        above[below].add(over)

    def climb(term: str, seen: set[str]) -> set[str]:
        if term not in seen:
            seen.add(term)
            for over in above.get(term, ()):
                climb(over, seen)
        return seen

    return {term: climb(term, set()) for pair in pairs for term in pair}


def _classes(more: Iterable[Quad] = ()) -> dict[str, set[str]]:
    same = _axioms("owl:equivalentClass", more=more)
    return _closure([*_axioms("rdfs:subClassOf", more=more), *same, *((b, a) for a, b in same)])


@cache
def entailed() -> tuple[set[Fact], dict[str, set[str]]]:
    """What follows from the graph by the axioms: triples of reused properties, and the classes of each node."""
    properties = _closure(_axioms("rdfs:subPropertyOf"))
    inverses = dict(_axioms("owl:inverseOf")) | {b: a for a, b in _axioms("owl:inverseOf")}
    domains, ranges = defaultdict(set), defaultdict(set)
    for name, found in (("rdfs:domain", domains), ("rdfs:range", ranges)):
        for term, kind in _axioms(name):
            found[term].add(kind)
    classes = _classes()
    facts: set[Fact] = set()
    types: dict[str, set[str]] = defaultdict(set)
    for triple in dataset.triples(national()):
        subject, predicate = triple.subject.value, compact(triple.predicate.value)
        if predicate == "rdf:type":
            types[subject] |= classes.get(compact(triple.object.value), {compact(triple.object.value)})
        waiting = [(subject, predicate, triple.object.value)]
        seen: set[Fact] = set()
        while waiting:
            s, p, o = waiting.pop()
            if (s, p, o) in seen:
                continue
            seen.add((s, p, o))
            waiting += [(s, over, o) for over in properties.get(p, ())]
            waiting += [(o, inverses[p], s)] if p in inverses else []
        literal = isinstance(triple.object, Literal)
        for s, p, o in seen:
            for kind in domains.get(p, ()):
                types[s] |= classes.get(kind, {kind})
            for kind in () if literal else ranges.get(p, ()):
                types[o] |= classes.get(kind, {kind})
        facts |= {fact for fact in seen if not fact[1].startswith("cg:")}
    return facts, types


def _of(kind: str) -> set[str]:
    return {node for node, kinds in entailed()[1].items() if kind in kinds}


@pytest.mark.parametrize("axiom", AXIOMS, ids=lambda axiom: " ".join(axiom[:3]))
def test_an_axiom_is_of_something_that_we_use(axiom: tuple[str, str, str, str]) -> None:
    used = {compact(q.object.value) for q in QUADS} | {p for _, p, _ in entailed()[0]}
    known = used | {kind for kinds in entailed()[1].values() for kind in kinds}
    assert {axiom[0], axiom[2]} & known


DISJOINT = [axiom[:3:2] for axiom in AXIOMS if axiom[1] == "owl:disjointWith"]


@pytest.mark.parametrize(("one", "other"), DISJOINT)
def test_what_is_disjoint_has_nothing_in_common(one: str, other: str) -> None:
    assert _of(one)
    assert _of(other)
    assert _of(one) & _of(other) == set()


def _in_both(classes: dict[str, set[str]]) -> list[str]:
    return sorted(c for c, above in classes.items() if any({one, other} <= above for one, other in DISJOINT))


def test_no_class_is_below_two_that_are_disjoint() -> None:
    assert _in_both(_classes()) == []
    wrong = _turtle("cg:Tenure rdfs:subClassOf cg:Reorganisation .")  # a membership that is an event
    assert _in_both(_classes(wrong)) == ["cg:Tenure"]


FUNCTIONAL = [axiom[0] for axiom in AXIOMS if axiom[2] == "owl:FunctionalProperty"]


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_a_functional_property_has_one_value(name: str) -> None:
    values = defaultdict(set)
    for subject, predicate, value in entailed()[0]:
        if predicate == name:
            values[subject].add(value)
    assert values
    assert {subject for subject, several in values.items() if len(several) > 1} == set()


def _told(predicate: str) -> set[tuple[str, str]]:
    return {(s, o) for s, p, o in entailed()[0] if p == predicate}


def _effects(*kinds: str) -> set[tuple[str, str]]:
    """The reorganisations and bodies that effects of some kinds tie together."""
    query = (
        "SELECT ?event ?body WHERE { ?x cg:isEffectOf ?event ; cg:concerns ?body ; cg:hasEffectKind ?kind "
    )
    query += f"FILTER (?kind IN ({', '.join(f'effect-kind:{kind}' for kind in kinds)})) }}"
    found = national().query(query, prefixes=PREFIXES)
    assert isinstance(found, QuerySolutions)
    return {(row["event"].value, row["body"].value) for row in found}


def test_what_prov_calls_generated_was_established() -> None:
    """ORG's resulting organisation is PROV's generated entity: a body that goes on is no result of a change."""
    assert _told("prov:generated") == _effects("established")
    assert _told("prov:generated") & _effects("continued", "renamed", "lost-functions", "lost-area") == set()


def test_what_prov_calls_invalidated_was_abolished() -> None:
    assert _told("prov:invalidated") == _effects("abolished")


def test_what_prov_calls_used_was_there_before_and_goes_on() -> None:
    assert _told("prov:used")
    assert _told("prov:used") & (_told("prov:generated") | _told("prov:invalidated")) == set()


@pytest.mark.parametrize("relation", ["prov:generated", "prov:invalidated"])
def test_a_body_begins_once_and_ends_once(relation: str) -> None:
    """PROV-CONSTRAINTS: two generations of one entity, or two invalidations, are at one time."""
    events = Counter(body for _, body in _told(relation))
    assert {body: n for body, n in events.items() if n > 1} == {}


def test_a_body_begins_before_it_is_used_or_ends() -> None:
    """PROV-CONSTRAINTS: generation precedes usage, and both precede invalidation."""
    days = dict(_vestings())
    begun = {body: days[event] for event, body in _told("prov:generated")}
    ended = {body: days[event] for event, body in _told("prov:invalidated")}
    used = [(body, days[event]) for event, body in _told("prov:used")]
    assert begun.keys() & ended.keys()
    assert [body for body in begun.keys() & ended.keys() if begun[body] >= ended[body]] == []
    assert [body for body, day in used if not begun.get(body, "") < day < ended.get(body, "9")] == []


def _vestings() -> Iterator[tuple[str, str]]:
    vests = NamedNode(f"{CG}vestsOn")
    return (
        (q.subject.value, q.object.value)
        for q in national().quads_for_pattern(None, vests, None, DefaultGraph())
    )


# Domains and ranges are stated only where they are always true: every use keeps them.


def _uses(name: str) -> list[Quad]:
    return list(national().quads_for_pattern(None, NamedNode(CG + name), None, DefaultGraph()))


@cache
def asserted() -> dict[str, set[str]]:
    """The classes that each node is said to have, and those above."""
    classes = _classes()
    types: dict[str, set[str]] = defaultdict(set)
    for quad in national().quads_for_pattern(None, NamedNode(RDF_TYPE), None, DefaultGraph()):
        kind = compact(quad.object.value)
        types[quad.subject.value] |= classes.get(kind, {kind})
    return types


@pytest.mark.parametrize(
    ("name", "kind"), [pair for pair in _axioms("rdfs:domain") if pair[0].startswith("cg:")]
)
def test_a_domain_is_kept(name: str, kind: str) -> None:
    assert sorted({q.subject.value for q in _uses(name[3:]) if kind not in asserted()[q.subject.value]}) == []


@pytest.mark.parametrize(
    ("name", "kind"), [pair for pair in _axioms("rdfs:range") if pair[0].startswith("cg:")]
)
def test_a_range_is_kept(name: str, kind: str) -> None:
    def kept(value: object) -> bool:
        if isinstance(value, Literal):
            return compact(value.datatype.value) == kind
        return isinstance(value, NamedNode) and kind in asserted()[value.value]

    assert sorted({str(q.object) for q in _uses(name[3:]) if not kept(q.object)}) == []


def _kinds(term: str) -> set[str]:
    return {kind for subject, kind in _axioms("rdf:type") if subject == term}


@pytest.mark.parametrize(
    ("below", "above"), [p for p in _axioms("rdfs:subPropertyOf") if p[0].startswith("cg:")]
)
def test_a_property_is_of_the_kind_of_the_one_above_it(below: str, above: str) -> None:
    """Data is data and links are links; and what is said of the one below is no wider than above."""
    data = "owl:DatatypeProperty"
    assert (data in _kinds(below)) == (
        data in _kinds(above) or above.startswith("eli:")
    )  # both of ELI's are dates
    classes = _classes()
    for name in ("rdfs:domain", "rdfs:range"):
        for term, kind in _axioms(name):
            if term == above:
                own = {k for t, k in _axioms(name) if t == below} or {kind}
                assert any(kind in classes.get(k, {k}) for k in own)
