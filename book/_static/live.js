// The button that makes a page live. Nothing of it is loaded before.
"use strict";

document.querySelectorAll(".live-page").forEach((bar) => {
  const [start, note] = [bar.querySelector("button"), bar.querySelector("p")];
  bar.goLive = async () => {
    start.disabled = true;
    try {
      const style = document.createElement("link");
      Object.assign(style, { rel: "stylesheet", href: bar.dataset.style });
      document.head.append(style);
      await load(bar.dataset.script);
      startLive(bar);
    } catch {
      note.textContent = "What runs the page could not be loaded: is there a network? You can read on as before.";
      start.disabled = false;
    }
  };
  start.addEventListener("click", bar.goLive);
});
