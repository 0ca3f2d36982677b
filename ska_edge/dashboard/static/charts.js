// Draws charts, tables and cards. All text is set as text, never as HTML, because names come from
// files and devices. A page defines `render`, which draws its document.
"use strict";

const HEIGHT = 230;
const MARGIN = { left: 46, right: 12, top: 10, bottom: 38 };
const DASHES = ["", "7 4", "2 3", "10 3 2 3", "14 4", "4 2"];
const COLORS = DASHES.length;
const MOST_NUMBERS = 14; // a matrix of more classes shows its numbers only as titles
const place = (id) => document.getElementById(id);
const cards = new Map(); // the parts of each card that exist, by the name of the card

// --- elements ------------------------------------------------------------------------------------

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((each) => each !== null));
  return element;
}

const make = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);
const draw = (name, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
const color = (index) => `var(--c${index % COLORS})`;

// An SVG attribute cannot hold a variable of CSS, so colors are set as properties of the style.
function colored(element, property, value) {
  element.style.setProperty(property, value);
  return element;
}

// --- numbers -------------------------------------------------------------------------------------

function shown(value, share) {
  if (value === null || value === undefined) return "-";
  if (share) return `${(100 * value).toFixed(1)}%`;
  if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)) {
    return String(Number(value.toPrecision(4)));
  }
  return value.toExponential(2);
}

function ticks(least, most, count) {
  const rough = (most - least) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= 0.7 * rough) * power;
  const found = [];
  for (let at = Math.ceil(least / step - 1e-9); at * step <= most + step * 1e-9; at += 1) {
    found.push(Number((at * step).toPrecision(12)));
  }
  return found;
}

// Return the least and the largest value, a little apart if they are equal.
function span(values, share) {
  if (share) return [0, 1];
  let [least, most] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(least)) [least, most] = [0, 1];
  const room = most > least ? (most - least) * 0.06 : Math.abs(most) * 0.1 || 1;
  return [least - room, most + room];
}

// --- a coordinate system -------------------------------------------------------------------------

function axes(box, chart, [left, right], [low, high]) {
  const width = Math.max(box.clientWidth, 240);
  const inner = { x: width - MARGIN.left - MARGIN.right, y: HEIGHT - MARGIN.top - MARGIN.bottom };
  const x = (value) => MARGIN.left + ((value - left) / (right - left)) * inner.x;
  const y = (value) => MARGIN.top + (1 - (value - low) / (high - low)) * inner.y;
  const picture = draw("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": chart.title,
  });
  for (const value of ticks(low, high, 4)) {
    picture.append(
      draw("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      draw("text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" },
        chart.share ? `${Math.round(value * 100)}%` : shown(value)),
    );
  }
  for (const value of ticks(left, right, width < 420 ? 4 : 6)) {
    picture.append(
      draw("text", { x: x(value), y: HEIGHT - MARGIN.bottom + 16, "text-anchor": "middle" }, shown(value)),
    );
  }
  picture.append(
    draw("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: HEIGHT - MARGIN.bottom, y2: HEIGHT - MARGIN.bottom }),
    draw("text", { x: width - MARGIN.right, y: HEIGHT - 4, "text-anchor": "end" }, chart.x),
  );
  return { picture, x, y };
}

function mark(kind, x, y, index) {
  const size = 4;
  const shape = kind === "square"
    ? draw("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size })
    : draw("circle", { cx: x, cy: y, r: size, "stroke-width": 2 });
  colored(shape, "stroke", color(index));
  return colored(shape, "fill", kind === "open" ? "var(--card)" : color(index));
}

function curve(line, index, x, y) {
  let path = "";
  let pen = "M";
  const marks = [];
  line.x.forEach((at, place) => {
    const value = line.y[place];
    if (value === null) {
      pen = "M";
      return;
    }
    if (line.steps && pen === "L") path += `H${x(at).toFixed(1)}`;
    path += `${pen}${x(at).toFixed(1)},${y(value).toFixed(1)}`;
    pen = "L";
    if (line.points) marks.push(mark("square", x(at), y(value), index));
  });
  const known = line.x.map((at, place) => [at, line.y[place]]).filter((pair) => pair[1] !== null);
  if (line.path && known.length) {
    const ends = [known[0], known[known.length - 1]].map(([at, value]) => [x(at), y(value)]);
    marks.push(mark("open", ...ends[0], index), mark("square", ...ends[1], index));
  } else if (known.length === 1 && !line.points) {
    marks.push(mark("round", x(known[0][0]), y(known[0][1]), index));
  }
  const stroke = draw("path", { class: "curve", d: path, "stroke-dasharray": DASHES[index % COLORS] });
  return [colored(stroke, "stroke", color(index)), ...marks];
}

// --- the kinds of charts; each fills a box, and returns its legend and the rows of its numbers ----

function lines(chart, box) {
  const all = chart.lines.flatMap((line) => line.y.filter((value) => value !== null));
  const path = chart.lines.some((line) => line.path);
  const xs = chart.lines.flatMap((line) => line.x);
  let across = span(xs);
  if (!path) across = [Math.min(0, ...xs), Math.max(1, ...xs)];
  const { picture, x, y } = axes(box, chart, across, span(all, chart.share));
  chart.lines.forEach((line, index) => picture.append(...curve(line, index, x, y)));
  box.replaceChildren(picture);
  const legend = chart.lines.map((line, index) => {
    const last = line.y.filter((value) => value !== null).pop();
    const sample = draw("svg", { "aria-hidden": "true", viewBox: "0 0 28 12" },
      colored(draw("path", { class: "curve", d: "M0,6H28", "stroke-dasharray": DASHES[index % COLORS] }), "stroke", color(index)));
    return make("li", {}, sample, `${line.name}: `, make("b", {}, shown(last, chart.share)));
  });
  const numbers = chart.lines.flatMap((line) =>
    line.x.map((at, place) => [line.name, shown(at), shown(line.y[place], chart.share)]));
  return { legend, heads: ["line", chart.x, chart.y], numbers };
}

function histogram(chart, box) {
  const states = Object.entries(chart.counts);
  const most = Math.max(1, ...states.flatMap(([, counts]) => counts));
  const { edges } = chart;
  const room = (edges[edges.length - 1] - edges[0]) * 0.02;
  const { picture, x, y } = axes(box, chart, [edges[0] - room, edges[edges.length - 1] + room], [0, most * 1.05]);
  states.forEach(([, counts], index) => {
    const filled = index === states.length - 1;
    let path = `M${x(edges[0])},${y(0)}`;
    counts.forEach((count, bin) => { path += `V${y(count).toFixed(1)}H${x(edges[bin + 1]).toFixed(1)}`; });
    const shape = draw("path", { class: "curve", d: `${path}V${y(0)}`, "stroke-dasharray": filled ? "" : DASHES[1] });
    colored(shape, "stroke", color(states.length - 1 - index));
    if (filled) {
      colored(shape, "fill", color(0));
      colored(shape, "fill-opacity", "0.3");
    }
    picture.append(shape);
  });
  for (const limit of chart.limits) {
    picture.append(draw("line", { class: "limit", x1: x(limit), x2: x(limit), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
  }
  box.replaceChildren(picture);
  const legend = states.map(([name], index) => {
    const sample = draw("svg", { "aria-hidden": "true", viewBox: "0 0 28 12" },
      colored(draw("path", { class: "curve", d: "M0,6H28", "stroke-dasharray": index === states.length - 1 ? "" : DASHES[1] }), "stroke", color(states.length - 1 - index)));
    return make("li", {}, sample, name);
  });
  const sample = draw("svg", { "aria-hidden": "true", viewBox: "0 0 28 12" }, draw("path", { class: "limit", d: "M0,6H28" }));
  legend.push(make("li", {}, sample, `limits of ${chart.format}: `, make("b", {}, chart.limits.map((limit) => String(Number(limit.toPrecision(6)))).join(" to "))));
  const numbers = edges.slice(0, -1).map((edge, bin) => [shown(edge), shown(edges[bin + 1]), ...states.map(([, counts]) => counts[bin])])
    .filter((row) => row.slice(2).some((count) => count));
  return { legend, heads: ["from", "to", ...states.map(([name]) => name)], numbers };
}

function matrix(chart, box) {
  const few = chart.labels.length <= MOST_NUMBERS;
  const head = make("tr", {}, make("td"), ...chart.labels.map((label) => make("th", { scope: "col", title: label }, label)));
  const body = chart.counts.map((counts, row) => {
    const rows = counts.reduce((sum, count) => sum + count, 0);
    const cells = counts.map((count, column) => {
      const share = rows ? count / rows : 0;
      const words = `${chart.labels[row]} decided as ${chart.labels[column]}: ${count}`;
      const kind = [share > 0.55 ? "strong" : "", row === column ? "diagonal" : ""].join(" ").trim();
      const cell = make("td", { title: words, class: kind || null }, few && count ? String(count) : "");
      cell.style.setProperty("--share", (0.9 * share).toFixed(3));
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row", title: chart.labels[row] }, chart.labels[row]), ...cells);
  });
  const table = make("table", { class: "matrix" }, make("thead", {}, head), make("tbody", {}, ...body));
  keepScroll(box, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": chart.title }, table));
  const numbers = chart.counts.flatMap((counts, row) => counts.map((count, column) => [chart.labels[row], chart.labels[column], count]))
    .filter((row) => row[2]);
  return { legend: [], heads: ["truth", "decision", "rows"], numbers };
}

const KINDS = { lines, histogram, matrix };

// Replace the contents of a box, but keep how far its part was scrolled.
function keepScroll(box, part) {
  const before = box.firstElementChild ? box.firstElementChild.scrollLeft : 0;
  box.replaceChildren(part);
  part.scrollLeft = before;
}

// --- cards ---------------------------------------------------------------------------------------

function card(name, title) {
  let parts = cards.get(name);
  if (!parts) {
    parts = {
      box: make("div", { class: "box" }), legend: make("ul", { class: "legend" }), note: make("p", { class: "note" }),
      heading: make("h2"), more: make("details", {}, make("summary", {}, "numbers of this figure"), make("div", { class: "scroll", tabindex: "0" })),
    };
    parts.root = make("section", { class: "card", id: name }, parts.heading, parts.box, parts.legend, parts.note, parts.more);
    parts.more.addEventListener("toggle", render);
    cards.set(name, parts);
  }
  parts.heading.textContent = title;
  return parts;
}

function chartCard(chart) {
  const parts = card(chart.name, chart.title);
  if (!parts.root.isConnected) place("cards").append(parts.root); // so that the box has a width
  const { legend, heads, numbers } = KINDS[chart.kind](chart, parts.box);
  parts.legend.replaceChildren(...legend);
  parts.note.textContent = chart.note;
  const rows = parts.more.open ? [grid(heads, numbers)] : [];
  parts.more.lastElementChild.replaceChildren(...rows);
  return parts.root;
}

function grid(heads, rows) {
  const cells = (row) => row.map((cell) => make("td", { class: typeof cell === "number" ? "number" : "long" }, String(cell)));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row)))));
}

function plainCard(name, title, note, ...contents) {
  const parts = card(name, title);
  parts.more.hidden = true;
  keepScroll(parts.box, make("div", { class: "scroll" }, ...contents));
  parts.note.textContent = note;
  return parts.root;
}

function facts(list) {
  return list.map((fact) => {
    const kind = { equal: "good", different: "bad" }[fact.value];
    return make("div", { class: kind || null, "data-name": fact.name }, make("dt", {}, fact.name), make("dd", {}, fact.value),
      fact.words ? make("dd", { class: "words" }, fact.words) : null);
  });
}

// Show sentences as warnings, or nothing.
function warn(found) {
  const box = place("signs");
  if (box.dataset.shown === JSON.stringify(found)) return; // so that it is not read aloud again
  box.dataset.shown = JSON.stringify(found);
  box.hidden = !found.length;
  box.replaceChildren(make("h2", {}, "Warnings"), make("ul", {}, ...found.map((text) => make("li", {}, text))));
}

// Put the cards in order without moving those that are in place, so that the focus stays.
function arrange(list) {
  const box = place("cards");
  for (const each of [...box.children]) if (!list.includes(each)) each.remove();
  list.forEach((each, index) => {
    if (box.children[index] !== each) box.insertBefore(each, box.children[index] || null);
  });
}
