"use strict";
// Draws a page's charts. What their figures hold for this script is described in charts.py.

const COLORS = 8;
const MATRICES = 6; // charts of which there is one for each group
const CONFIG = {displayModeBar: false, displaylogo: false, showSendToCloud: false, responsive: true, scrollZoom: false};
const cssValue = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colorOf = slot => cssValue(slot === undefined || slot === null ? "--rest" : `--series-${slot}`);

// Charts that share groups, a legend and a selection: which groups are drawn in colour, and in which.
class Board {
  constructor(element) {
    this.element = element;
    this.groups = JSON.parse(element.querySelector("script.groups").textContent);
    this.slots = new Map();
    this.groups.forEach((group, place) => { if (group.selected) this.give(place); });
    this.legend = this.buildLegend(element.querySelector(".legend"));
    this.charts = [...element.querySelectorAll("figure.chart")].map(figure => new Chart(this, figure));
    this.showLegend();
  }

  give(place) {
    const taken = new Set(this.slots.values());
    const free = [...Array(COLORS).keys()].find(slot => !taken.has(slot));
    this.slots.set(place, this.groups[place].slot ?? free);
  }

  toggle(place) {
    if (this.slots.has(place)) this.slots.delete(place);
    else if (this.slots.size < COLORS) this.give(place);
    else this.status.textContent = `${COLORS} groups are in colour, and there are no more colours: hide one first.`;
    this.changed();
  }

  isolate(place) {
    const alone = this.slots.size === 1 && this.slots.has(place);
    this.slots.clear();
    if (alone) this.groups.forEach((group, other) => { if (group.selected) this.give(other); });
    else this.give(place);
    this.changed();
  }

  changed() {
    const full = this.slots.size >= COLORS && this.status.textContent.startsWith(`${COLORS} groups`);
    if (!full) this.status.textContent = "";
    this.showLegend();
    this.charts.forEach(chart => chart.draw());
    this.element.dispatchEvent(new Event("selection"));
  }

  buildLegend(legend) {
    const names = document.createElement("div");
    names.className = "names";
    this.buttons = this.groups.map((group, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = group.short;
      button.title = group.name;
      button.addEventListener("click", () => this.toggle(place));
      button.addEventListener("dblclick", () => this.isolate(place));
      button.addEventListener("keydown", event => {
        if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); this.isolate(place); }
      });
      return button;
    });
    names.append(...this.buttons);
    this.hint = document.createElement("p");
    this.status = document.createElement("p");
    this.status.setAttribute("role", "status");
    legend.append(names, this.hint, this.status);
    return legend;
  }

  showLegend() {
    this.buttons.forEach((button, place) => {
      button.setAttribute("aria-pressed", this.slots.has(place));
      button.style.borderLeftColor = colorOf(this.slots.get(place));
    });
    const hidden = this.groups.length - this.slots.size;
    this.hint.textContent = hidden > 0
      ? `${hidden} more ${hidden === 1 ? "group is" : "groups are"} hidden or grey; click a name to show it, double-click (Shift+Enter) to isolate it.`
      : "Click a name to hide it, double-click (Shift+Enter) to isolate it.";
  }
}

class Chart {
  constructor(board, figure) {
    this.board = board;
    this.figure = figure;
    this.plot = figure.querySelector(".plot > div"); // of the chart's own height: a tall one scrolls and is not squeezed
    this.switches = [...figure.closest("section.needs-script").querySelectorAll("select")];
    this.switches.forEach(select => select.addEventListener("change", () => this.draw()));
    figure.querySelector(".csv").addEventListener("click", () => offerCsv(figure, `${figure.id}.csv`, this.rows()));
    this.near = false;
    // Charts are drawn when they come near: a page of a thousand runs opens at once.
    new IntersectionObserver((entries, observer) => {
      if (entries.some(entry => entry.isIntersecting)) { observer.disconnect(); this.near = true; this.draw(); }
    }, {rootMargin: "400px"}).observe(figure);
  }

  get content() {
    this.parsed ??= JSON.parse(this.figure.querySelector("script").textContent);
    return this.parsed;
  }

  get choices() { return Object.fromEntries(this.switches.map(select => [select.dataset.key, select.value])); }

  chosen() {
    const choices = this.choices;
    return this.content.data.filter(
      ({meta}) => Object.entries(meta?.choice ?? {}).every(([key, value]) => choices[key] === value));
  }

  draw() {
    if (!this.near) return;
    if ("each" in this.figure.dataset) return this.drawEach();
    const {slots} = this.board;
    const unit = this.choices.x;
    const [own, rest] = [[], []];
    for (const trace of this.chosen().map(trace => inUnit(trace, unit)).filter(trace => trace)) {
      const {group, slot} = trace.meta ?? {};
      if (group !== undefined && !slots.has(group)) rest.push(trace);
      else own.push(...painted(trace, group === undefined ? slot : slots.get(group)));
    }
    Plotly.react(this.plot, [...greyed(rest), ...own], this.layout(), CONFIG);
  }

  drawEach() {
    const chosen = this.chosen().filter(({meta}) => this.board.slots.has(meta.group));
    const parts = chosen.slice(0, MATRICES).map(trace => {
      const part = document.createElement("div");
      const name = document.createElement("strong");
      const plot = document.createElement("div");
      name.textContent = this.board.groups[trace.meta.group].name;
      part.append(name, plot);
      return [part, plot, trace];
    });
    this.plot.querySelectorAll(".js-plotly-plot").forEach(plot => Plotly.purge(plot));
    this.plot.classList.add("each");
    this.plot.replaceChildren(...parts.map(([part]) => part));
    if (chosen.length > MATRICES) this.plot.append(`${chosen.length - MATRICES} more selected groups are not drawn: hide others to see them.`);
    parts.forEach(([, plot, trace]) => Plotly.newPlot(plot, [trace], this.layout(), CONFIG));
  }

  layout() {
    const layout = structuredClone(this.content.layout);
    const {x, scale} = this.choices;
    const grid = {gridcolor: cssValue("--grid"), zerolinecolor: cssValue("--line"), linecolor: cssValue("--line")};
    layout.template = {layout: {
      xaxis: {...grid, automargin: true}, yaxis: {...grid, automargin: true, title: {standoff: 8}}, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: {color: cssValue("--text"), family: "system-ui, sans-serif"},
      hoverlabel: {font: {family: "system-ui, sans-serif"}},
    }};
    if (this.plot.clientWidth < 480) layout.template.layout.font.size = 10;
    layout.annotations?.forEach(annotation => { annotation.bgcolor = `${cssValue("--back")}c0`; }); // lines run behind
    layout.uirevision = JSON.stringify(this.choices); // what the reader has zoomed into stays, until a switch is set
    layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom"; // a finger scrolls the page
    const select = this.switches.find(one => one.dataset.key === "x");
    if (x && layout.xaxis) layout.xaxis.title = {text: select.selectedOptions[0].textContent};
    const range = layout.meta?.ranges?.[scale] ?? layout.meta?.ranges?.linear;
    if (range) Object.assign(layout.yaxis, {type: layout.meta.ranges[scale] && scale === "log" ? "log" : "linear", range});
    return layout;
  }

  // The chart's numbers, all groups of them: a table with a header.
  rows() {
    const {groups} = this.board;
    const table = [["series", "x", "y", "value", "low", "high"]];
    for (const trace of this.chosen().map(one => inUnit(one, this.choices.x)).filter(one => one)) {
      const {group, low, high} = trace.meta ?? {};
      const name = group === undefined ? plain(trace.name ?? "") : groups[group].name;
      if (trace.type === "heatmap") {
        trace.z.forEach((line, i) => line.forEach((z, j) =>
          table.push([name, plain(trace.x?.[j] ?? j), plain(trace.y?.[i] ?? i), trace.text?.[i][j] || (z ?? 0), "", ""])));
      } else {
        trace.x.forEach((x, i) => table.push(
          [name, plain(x), plain(trace.y[i]), trace.customdata?.[i] ?? "", low?.[i] ?? "", high?.[i] ?? ""]));
      }
    }
    return table;
  }
}

function plain(text) { // Plotly's labels are HTML
  return typeof text === "string" ? new DOMParser().parseFromString(text, "text/html").body.textContent : text;
}

function inUnit(trace, unit) {
  if (!unit || unit === "iteration" || !trace.meta?.units) return trace;
  const factor = trace.meta.units[unit];
  return factor === undefined ? null : {...trace, x: trace.x.map(x => x * factor)};
}

function painted(trace, slot) {
  if (slot === undefined) return [trace];
  const color = colorOf(slot);
  const own = {
    ...trace, marker: {...trace.marker, color}, hoverlabel: {bordercolor: color},
    ...(trace.type === "scatter" && {line: {...trace.line, color}}),
    ...(trace.error_x && {error_x: {...trace.error_x, color}}),
  };
  if (!trace.meta.low) return [own];
  const {low, high} = trace.meta;
  const band = {
    type: "scatter", mode: "lines", hoverinfo: "skip", fill: "toself", fillcolor: `${color}30`, line: {width: 0}, showlegend: false,
    x: [...trace.x, ...[...trace.x].reverse()], y: [...high, ...[...low].reverse()],
  };
  return [band, own];
}

// All groups that are not selected, as one grey trace for their lines and one for their dots: quick to draw.
function greyed(traces) {
  const color = cssValue("--rest");
  return ["lines", "markers"].flatMap(mode => {
    const own = traces.filter(trace => trace.type === "scatter" && (trace.mode === "markers") === (mode === "markers"));
    if (!own.length) return [];
    const joined = pick => own.flatMap(trace => [...pick(trace), null]);
    const symbols = joined(({x, marker}) => x.map((_, i) => Array.isArray(marker?.symbol) ? marker.symbol[i] : marker?.symbol ?? "circle"));
    return [{
      type: "scatter", mode, x: joined(({x}) => x), y: joined(({y}) => y), opacity: 0.8,
      text: joined(({x, name}) => x.map(() => name)), hovertemplate: "%{text}<extra></extra>",
      line: {color, width: 1}, marker: {color, size: 7, symbol: symbols.map(symbol => symbol ?? "circle")},
    }];
  });
}

function csvText(rows) {
  const quoted = value => /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  return rows.map(row => row.map(quoted).join(",")).join("\n") + "\n";
}

// Inside MLflow's frame the browser forbids downloads: there the numbers are shown, to be copied.
function offerCsv(element, name, rows) {
  const text = csvText(rows);
  if (window !== window.top) {
    const area = element.querySelector("textarea.numbers") ?? element.appendChild(document.createElement("textarea"));
    area.className = "numbers";
    area.readOnly = true;
    area.setAttribute("aria-label", name);
    area.value = text;
    area.select();
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

const boards = [...document.querySelectorAll(".board")].map(element => new Board(element));
const redraw = () => boards.forEach(board => { board.showLegend(); board.charts.forEach(chart => chart.draw()); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
matchMedia("print").addEventListener("change", redraw);
addEventListener("beforeprint", () => {
  boards.forEach(board => board.charts.forEach(chart => { chart.near = true; }));
  redraw();
});
