// Shows devices: draws the document of the server, again whenever it changes.
"use strict";

const FIRST = ["decided", "signal", "entropy-path"]; // the charts after the learning curve
let content = { devices: [] };
let chosen = 0;

function strip(decisions) {
  const [width, height] = [60, 22];
  const wide = width / decisions.length;
  const middle = Math.min(...decisions) < 0 ? height / 2 : height;
  const largest = Math.max(...decisions);
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    ...decisions.map((value, index) => {
      const size = Math.min(Math.abs(value), 1) * middle;
      const bar = draw("rect", { x: index * wide, y: value < 0 ? middle : middle - size, width: Math.max(wide - 1, 0.5), height: Math.max(size, 0.5) });
      return colored(bar, "fill", value === largest ? color(0) : "var(--faint)");
    }));
}

function lastCard(device) {
  const deciding = device.last.some((row) => row.decisions);
  const heads = ["sample", "truth", "decided", "", ...(deciding ? ["decision", "outputs"] : [])];
  const rows = device.last.map((row) => make("tr", {},
    make("td", { class: "number" }, String(row.sample)),
    make("td", { class: "name", title: row.truth }, row.truth),
    make("td", { class: "name", title: row.decided }, row.decided || "answer lost"),
    row.right === null ? make("td") : make("td", { class: row.right ? "right" : "wrong" }, row.right ? "right" : "wrong"),
    deciding ? make("td", { class: "number" }, row.decisions ? shown(Math.max(...row.decisions)) : "-") : null,
    deciding ? make("td", {}, row.decisions ? strip(row.decisions) : "") : null));
  const table = make("table", { class: "rows" }, make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, ...rows));
  return plainCard("last", "The last samples", deciding ? "Each decision is from before the device learned the sample. The bars are all outputs; the largest one decides." : "", table);
}

// --- the page ------------------------------------------------------------------------------------

function devices() {
  const bar = place("devices");
  bar.hidden = content.devices.length < 2;
  while (bar.children.length < content.devices.length) {
    const index = bar.children.length;
    const button = make("button", { type: "button" });
    button.addEventListener("click", () => {
      chosen = index;
      render();
    });
    bar.append(button);
  }
  content.devices.forEach((device, index) => {
    const right = device.accuracy === null ? "" : `, ${shown(device.accuracy, true)} right`;
    bar.children[index].textContent = `${device.name}: ${device.activity}${right}`;
    bar.children[index].setAttribute("aria-pressed", String(index === chosen));
  });
}

function control(device) {
  place("control").hidden = !(content.control && device.control);
  if (!device.control) return;
  const { paused, answer, labels, window } = device.control;
  place("steering").hidden = labels.length > 0;
  place("window").textContent = labels.length ? window || "no window yet" : "";
  buttons(labels);
  place("pause").textContent = paused ? "Continue" : "Pause";
  place("pause").dataset.action = paused ? "continue" : "pause";
  if (place("answer").textContent !== answer) place("answer").textContent = answer;
}

// Show a button for each class that has a name; those that exist already stay, so that the focus does.
function buttons(labels) {
  const box = place("labels");
  if (box.dataset.shown === JSON.stringify(labels)) return;
  box.dataset.shown = JSON.stringify(labels);
  box.replaceChildren(...labels.map((name, label) => {
    const button = make("button", { type: "button" }, name);
    button.addEventListener("click", () => ask({ device: chosen, action: "label", label }));
    button.hidden = !name;
    return button;
  }));
}

for (const button of place("steering").querySelectorAll("button")) {
  button.addEventListener("click", () => ask({ device: chosen, action: button.dataset.action }));
}

function render() {
  const device = content.devices[chosen];
  if (!device) return;
  devices();
  const where = device.board ? `${device.board} at ${device.port}` : device.name;
  place("title").textContent = where;
  document.title = `${where} - ska-edge`;
  place("model").textContent = device.model;
  place("facts").replaceChildren(...facts(device.facts));
  const differs = device.difference ? `Device and host differ: ${device.difference}` : "";
  warn([differs, device.trouble, ...device.warnings].filter((text) => text));
  control(device);
  const charts = device.charts.map(chartCard);
  const learned = charts.slice(0, 1);
  const others = charts.slice(1);
  const early = (each) => FIRST.indexOf(each.id) + 1 || FIRST.length + 1;
  others.sort((one, other) => early(one) - early(other)); // keeps the order of all others
  const confusion = others.filter((each) => each.id === "decided").length;
  const list = [...learned, ...others.slice(0, confusion), lastCard(device), ...others.slice(confusion)];
  list.push(plainCard("link", "Link", device.gap ? `The host does not follow: ${device.gap}.` : "", make("dl", { class: "facts" }, ...facts(device.link))));
  if (device.events.length) {
    list.push(plainCard("events", "Events", "", grid(["rows before", "event"], device.events)));
  }
  arrange(list);
}

follow((found) => {
  content = found;
  if (!content.devices.length) { // a board is being built
    say("waiting for a device", false);
    return;
  }
  chosen = Math.min(chosen, content.devices.length - 1);
  render();
  const { activity, trouble } = content.devices[chosen];
  say(activity, activity === "failed" || Boolean(trouble));
}, () => false);
