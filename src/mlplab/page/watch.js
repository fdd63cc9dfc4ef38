"use strict";
// Keeps the page of a running sweep up to date: fetches its content again, and takes over what has changed.

const PAUSE = 5000; // milliseconds

async function refresh() {
  const connection = document.getElementById("connection");
  try {
    const answer = await fetch("now");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    connection.textContent = "";
    adopt(fresh);
  } catch (error) {
    connection.textContent = `watch.py does not answer (${error.message}). What follows is what it showed last.`;
  }
}

function adopt(fresh) {
  const shape = root => [...root.querySelectorAll("figure.chart")].map(figure => figure.id)
    + root.querySelector("script.groups").textContent;
  if (shape(fresh) !== shape(document)) { location.reload(); return; } // jobs or charts that were not there before
  document.querySelectorAll("[data-live]").forEach(element => takeOver(element, fresh.getElementById(element.id)));
  for (const body of fresh.querySelectorAll("#ranking tbody")) {
    const own = document.querySelector(`#ranking tbody[data-group="${body.dataset.group}"]`);
    [...body.rows].forEach((row, i) => takeOverRow(own.rows[i], row));
  }
  for (const chart of boards[0].charts) {
    const [own, other] = [document, fresh].map(root => root.querySelector(`#${chart.figure.id} script`));
    if (own.textContent === other.textContent) continue;
    own.textContent = other.textContent;
    chart.parsed = undefined;
    chart.draw();
  }
}

function takeOver(element, fresh) {
  if (element.innerHTML !== fresh.innerHTML) element.innerHTML = fresh.innerHTML;
}

// Its first two cells have what the reader has set: whether the group is drawn, and open.
function takeOverRow(row, fresh) {
  for (let i = row.matches(".group") ? 2 : 1; i < row.cells.length; i++) {
    takeOver(row.cells[i], fresh.cells[i]);
    const {value} = fresh.cells[i].dataset;
    if (value !== undefined) row.cells[i].dataset.value = value;
  }
}

(async () => {
  for (;;) {
    await new Promise(done => setTimeout(done, PAUSE));
    if (!document.hidden) await refresh();
  }
})();
