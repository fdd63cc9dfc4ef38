"use strict";
// The table of a comparison: sorts, filters, chooses columns, opens groups, and selects what the charts draw.

const ranking = document.getElementById("ranking");
if (ranking) {
  const board = boards[0];
  const bodies = () => [...ranking.tBodies];
  const groupOf = body => Number(body.dataset.group);

  const select = () => bodies().forEach(body => {
    body.querySelector(".select").checked = board.slots.has(groupOf(body));
  });
  board.element.addEventListener("selection", select);
  select();

  ranking.addEventListener("change", event => {
    if (event.target.matches(".select")) board.toggle(groupOf(event.target.closest("tbody")));
  });

  ranking.addEventListener("click", event => {
    if (event.target.matches(".sort")) sortBy(event.target.closest("th"));
    const row = event.target.closest("tr.group");
    if (row && !event.target.matches("input")) open(row);
  });

  function open(row) {
    const button = row.querySelector(".open");
    const opened = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", opened);
    row.parentElement.querySelectorAll("tr.run").forEach(run => { run.hidden = !opened; });
  }

  function sortBy(header) {
    const direction = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    ranking.querySelectorAll("th[aria-sort]").forEach(other => other.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const numeric = header.classList.contains("number");
    const value = body => body.rows[0].cells[header.cellIndex].dataset.value;
    const compare = (one, other) => {
      const [a, b] = [value(one), value(other)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined); // nothing measured: last
      return sign * (numeric ? a - b : a.localeCompare(b));
    };
    ranking.append(...bodies().sort(compare));
  }

  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(word => word);
    let shown = 0;
    for (const body of bodies()) {
      const row = body.rows[0];
      const text = `${row.cells[1].textContent} ${row.cells[row.cells.length - 1].textContent}`.toLowerCase();
      body.hidden = !words.every(word => text.includes(word));
      shown += !body.hidden;
    }
    document.getElementById("filter-count").textContent = words.length ? `${shown} of ${bodies().length} groups` : "";
  });

  document.getElementById("columns").addEventListener("change", event => {
    const column = Number(event.target.dataset.column);
    for (const row of ranking.rows) row.cells[column].hidden = !event.target.checked;
  });

  document.getElementById("ranking-csv").addEventListener("click", () => {
    const text = row => [...row.cells].slice(1).map(cell => cell.textContent.trim());
    const rows = bodies().filter(body => !body.hidden).map(body => text(body.rows[0]));
    offerCsv(document.querySelector(".controls"), "ranking.csv", [text(ranking.tHead.rows[0]), ...rows]);
  });
}
