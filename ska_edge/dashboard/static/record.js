// Shows a session of `ska-edge record`, again whenever it changes. All text is set as text, never as
// HTML, because names come from the board and the command line.
"use strict";

let content = null;

// Show a button for each label; those that exist already stay, so that the focus does.
function buttons() {
  const box = place("labels");
  if (!box.children.length) {
    box.append(...content.labels.map((label) => {
      const button = make("button", { type: "button" });
      button.addEventListener("click", () => {
        place("answer").textContent = "";
        ask(button.dataset.runs ? { action: "stop" } : { action: "start", label });
      });
      return button;
    }));
  }
  content.labels.forEach((label, index) => {
    const button = box.children[index];
    const runs = content.label === label;
    const words = runs ? `Stop ${label}`.trim() : `Record ${label}`.trim();
    if (button.textContent !== words) button.textContent = words;
    button.dataset.runs = runs ? "true" : "";
    button.setAttribute("aria-pressed", String(runs));
  });
}

function recordings() {
  const rows = content.recordings.map((each) => [each.file, each.label, each.samples, Number(each.seconds.toFixed(2))]);
  const note = rows.length ? "" : "Nothing was recorded yet.";
  return plainCard("recordings", "Recordings of this session", note, grid(["file", "label", "samples", "seconds"], rows));
}

function render() {
  if (!content) return;
  const title = `record at ${content.port}`;
  place("title").textContent = title;
  document.title = `${content.state} - ska-edge ${title}`;
  place("folder").textContent = content.group ? `${content.folder}, ${content.group}` : content.folder;
  place("control").hidden = content.ended;
  buttons();
  place("facts").replaceChildren(...facts(content.facts));
  warn([content.trouble, content.bad].filter((text) => text));
  arrange([...content.charts.map(chartCard), recordings()]);
}

place("end").addEventListener("click", () => ask({ action: "end" }));
follow((found) => {
  content = found;
  render();
  say(content.state, Boolean(content.trouble));
  place("state").classList.toggle("recording", content.label !== null);
}, () => Boolean(content && content.ended));
