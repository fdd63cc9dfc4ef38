"use strict";
// Asks the models of this page: for a drawing or a picture first its pixels, then what each model makes of them.

const MOST = 10; // classes that are shown of each model, the likeliest of many
const PEN = 22; // pixels that a stroke is wide
const STEP = 8; // pixels that an arrow key moves the pen
const [problem, pad] = ["problem", "pad"].map(id => document.getElementById(id));
const sections = [...document.querySelectorAll("section.model")];
let turn = 0; // a newer question overtakes the answers to older ones

async function post(address, body, type) {
  const answer = await fetch(address, {method: "POST", body, headers: {"Content-Type": type}});
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message);
  return found;
}

async function inTurn(question) {
  const own = ++turn;
  try {
    const results = await Promise.all(sections.map(question));
    if (own !== turn) return;
    problem.textContent = "";
    results.forEach((result, i) => show(sections[i], result));
  } catch (error) {
    if (own === turn) problem.textContent = error.message;
  }
}

function askRows(body) {
  return inTurn(async section => {
    const found = await post(`${section.dataset.address}/invocations`, body, "application/json");
    return found.predictions;
  });
}

function askPicture(picture, centred) {
  return inTurn(async (section, i) => {
    const {address} = section.dataset;
    const {pixels, pixel_max} = await post(`${address}/pixels?centred=${centred}`, picture, picture.type || "image/png");
    if (i === 0) showPixels(pixels, pixel_max);
    const asked = JSON.stringify({inputs: [pixels], params: {probabilities: true}});
    return (await post(`${address}/invocations`, asked, "application/json")).predictions;
  });
}

function show(section, predictions) {
  const [first] = predictions;
  const classes = predictions.map(prediction => prediction.class ?? prediction);
  section.querySelector(".verdict").textContent = classes.slice(0, MOST).join(", ") + (classes.length > MOST ? ", ..." : "");
  const named = Object.entries(first.probabilities ?? {});
  const likely = named.length > MOST ? named.sort((a, b) => b[1] - a[1]).slice(0, MOST) : named;
  section.querySelector("tbody").replaceChildren(...likely.map(([name, share]) => row(name, share, String(first.class))));
}

function row(name, share, likeliest) {
  const line = document.createElement("tr");
  line.className = name === likeliest ? "likeliest" : "";
  const [head, bar, number] = ["th", "td", "td"].map(kind => line.appendChild(document.createElement(kind)));
  head.scope = "row";
  head.textContent = name;
  bar.className = "share";
  bar.appendChild(document.createElement("span")).style.width = `${100 * share}%`;
  number.textContent = share.toFixed(4);
  return line;
}

function showPixels(pixels, most) {
  const seen = document.getElementById("seen");
  [seen.height, seen.width] = [pixels.length, pixels[0].length];
  const image = new ImageData(seen.width, seen.height);
  pixels.flat().forEach((pixel, i) => {
    const channels = Array.isArray(pixel) ? pixel : [pixel, pixel, pixel];
    image.data.set([...channels.map(value => 255 * value / most), 255], 4 * i);
  });
  seen.getContext("2d").putImageData(image, 0, 0);
}

function draw() {
  const brush = pad.getContext("2d");
  const centred = document.getElementById("centred");
  const pen = document.getElementById("pen");
  let at = {x: 140, y: 140};

  function clear() {
    [brush.fillStyle, brush.strokeStyle, brush.lineWidth, brush.lineCap] = ["black", "white", PEN, "round"];
    brush.fillRect(0, 0, pad.width, pad.height);
  }
  function lineTo(next) {
    brush.beginPath();
    brush.moveTo(at.x, at.y);
    brush.lineTo(next.x, next.y);
    brush.stroke();
    at = next;
  }
  const place = event => ({
    x: event.offsetX * pad.width / pad.clientWidth, y: event.offsetY * pad.height / pad.clientHeight,
  });
  const askDrawing = () => pad.toBlob(picture => askPicture(picture, centred.checked));

  pad.addEventListener("pointerdown", event => {
    pad.setPointerCapture(event.pointerId);
    at = place(event);
    lineTo(at);
  });
  pad.addEventListener("pointermove", event => { if (event.buttons & 1) lineTo(place(event)); });
  pad.addEventListener("pointerup", askDrawing);
  pad.addEventListener("keydown", event => {
    const move = {ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP]}[event.key];
    if (!move) return;
    event.preventDefault();
    const [x, y] = [at.x + move[0], at.y + move[1]].map(value => Math.min(Math.max(value, 0), pad.width));
    if (event.shiftKey) lineTo({x, y}); else at = {x, y};
    [pen.style.left, pen.style.top] = [x, y].map(value => `${100 * value / pad.width}%`);
  });
  pad.addEventListener("keyup", event => { if (event.key === "Shift") askDrawing(); });
  document.getElementById("clear").addEventListener("click", () => { turn++; clear(); problem.textContent = ""; });

  async function take(file) {
    if (!file) return;
    let isOwnSize = false;
    try {
      const bitmap = await createImageBitmap(file);
      isOwnSize = `${bitmap.width} x ${bitmap.height}` === pad.dataset.size;
      const scale = Math.min(pad.width / bitmap.width, pad.height / bitmap.height);
      clear();
      brush.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
    } catch { /* the browser cannot show it: the server says what it is */ }
    await askPicture(file, centred.checked && !isOwnSize);
  }
  document.getElementById("file").addEventListener("change", event => {
    const [file] = event.target.files;
    event.target.value = ""; // so that the same one can be chosen again
    take(file);
  });
  document.addEventListener("dragover", event => event.preventDefault());
  document.addEventListener("drop", event => { event.preventDefault(); take(event.dataTransfer.files[0]); });
  clear();
}

if (pad) draw();
else document.getElementById("ask").addEventListener("click", () => askRows(document.getElementById("body").value));
