// Talks with the server: gets its document whenever it changes, and asks for actions.
"use strict";

function say(text, lost) {
  const state = place("state");
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("lost", lost);
}

// Call `take` with each new document. `ended` tells whether no other document will come.
function follow(take, ended) {
  const events = new EventSource("events");
  events.onmessage = (message) => {
    take(JSON.parse(message.data));
    document.body.dataset.ready = "true";
    if (ended()) events.close();
  };
  events.onerror = () => say("ska-edge has stopped, or cannot be reached; this is its last state", true);
  let width = 0;
  new ResizeObserver(() => {
    if (width !== document.body.clientWidth) render();
    width = document.body.clientWidth;
  }).observe(document.body);
}

// Ask for an action; the next document shows what came of it.
async function ask(request) {
  try {
    const answer = await fetch("control", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(request),
    });
    if (!answer.ok) place("answer").textContent = await answer.text();
  } catch {
    place("answer").textContent = "ska-edge cannot be reached";
  }
}
