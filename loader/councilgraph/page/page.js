// The query page: canned queries into the editor, the editor's query to the endpoint, its rows into a table.
// What the data says becomes text nodes alone, never markup or script.
"use strict";

const SHOWN = 1000; // rows of an answer that the page shows
const SHORT = 24; // characters of a value that stays on one line, as a day must
const ACCEPT = "application/sparql-results+json, text/turtle;q=0.9";
const byId = (id) => document.getElementById(id);
let running = null;

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function cell(term) {
  if (!term) return element("td");
  if (term.type !== "uri" || !/^https?:\/\//.test(term.value)) {
    const made = element("td", term.value);
    made.className = term.value.length <= SHORT ? "short" : "";
    return made;
  }
  const link = element("a", term.value.replace(/^https:\/\/w3id\.org\/councilgraph\/(id\/|concept\/|def#)?/, ""));
  const own = link.textContent !== term.value;
  link.href = own ? `#query=${encodeURIComponent(`DESCRIBE <${term.value}>`)}` : term.value;
  link.title = term.value;
  if (!own) link.rel = "noopener noreferrer";
  return element("td", "", link);
}

function table({ head, results }, cut) {
  const rows = results.bindings;
  const columns = head.vars.map((name) => element("th", name));
  for (const column of columns) column.scope = "col";
  const lines = rows.slice(0, SHOWN).map((row) => element("tr", "", ...head.vars.map((name) => cell(row[name]))));
  let said = rows.length === 1 ? "1 row" : `${rows.length.toLocaleString("en-GB")} rows`;
  if (cut) said += ", and there are more: the server's limit is reached";
  if (rows.length > SHOWN) said += `; the first ${SHOWN.toLocaleString("en-GB")} are shown`;
  byId("status").textContent = `${said}.`;
  return element("table", "", element("caption", byId("question").textContent || "Answer"),
    element("thead", "", element("tr", "", ...columns)), element("tbody", "", ...lines));
}

function shown(media, text, cut) {
  if (!media.includes("json")) {
    byId("status").textContent = cut ? "A part of the graph: the server's limit is reached." : "A graph, as Turtle.";
    return element("pre", text);
  }
  const answer = JSON.parse(text);
  if (!("boolean" in answer)) return table(answer, cut);
  byId("status").textContent = answer.boolean ? "Yes." : "No.";
  return "";
}

async function run() {
  if (running) running.abort();
  const mine = new AbortController();
  running = mine;
  const query = byId("query").value;
  history.replaceState(null, "", `#query=${encodeURIComponent(query)}`);
  byId("answer").replaceChildren();
  byId("status").className = "";
  byId("status").textContent = "Running …";
  byId("stop").hidden = false;
  try {
    const response = await fetch("query", {
      method: "POST", body: query, signal: mine.signal,
      headers: { "Content-Type": "application/sparql-query", Accept: ACCEPT },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text.trim() || `The server answered ${response.status}.`);
    byId("answer").replaceChildren(shown(response.headers.get("Content-Type"), text, response.headers.has("X-SPARQL-MaxRows")));
  } catch (error) {
    if (running !== mine) return;
    byId("status").className = "wrong";
    byId("status").textContent = error.name === "AbortError" ? "Stopped." : error.message;
  } finally {
    if (running === mine) {
      running = null;
      byId("stop").hidden = true;
    }
  }
}

// A field for each parameter: what is typed there takes the place of the value in each of its VALUES lines.
function field({ name, help }) {
  const line = new RegExp(`(VALUES \\?${name} \\{ )(.*?)( \\})`, "g");
  const [, before, value, after = ""] = /^("|<|[^"<]*:|)(.*?)("[^"]*|>)?$/.exec([...byId("query").value.matchAll(line)][0][2]);
  const input = element("input");
  input.value = value;
  input.dataset.param = name;
  input.addEventListener("input", () => {
    byId("query").value = byId("query").value.replace(line, (_, open, __, close) => open + before + input.value + after + close);
  });
  return element("label", help.split(/[:;,.]/)[0], input);
}

function choose(query, button) {
  for (const other of byId("questions").querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
  byId("question").textContent = query.question;
  byId("query").value = query.text;
  byId("params").replaceChildren(...query.params.map(field));
  byId("question").scrollIntoView({ block: "nearest" });
}

function offer(queries) {
  const buttons = queries.map((query) => {
    const button = element("button", "", element("strong", query.title), element("small", query.question));
    button.type = "button";
    button.dataset.name = query.name;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => choose(query, button));
    const words = [query.name, query.title, query.question, ...query.tags].join(" ").toLowerCase();
    return { button, words };
  });
  byId("questions").replaceChildren(...buttons.map(({ button }) => button));
  byId("filter").addEventListener("input", () => {
    const wanted = byId("filter").value.toLowerCase().split(/\s+/);
    for (const { button, words } of buttons) button.hidden = !wanted.every((word) => words.includes(word));
  });
}

function linked() {
  const query = new URLSearchParams(location.hash.slice(1)).get("query");
  if (!query) return;
  byId("question").textContent = "";
  byId("params").replaceChildren();
  byId("query").value = query;
  run();
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
byId("stop").addEventListener("click", () => running && running.abort());
byId("query").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
});
window.addEventListener("hashchange", linked);
fetch("queries.json").then((response) => response.json()).then(offer);
linked();
