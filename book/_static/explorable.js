// Moves the figures of a page, opens the folds that a link leads into, lets the keyboard scroll what is wider than the
// page, and tidies search results.
"use strict";

const TICK = 350; // milliseconds a picture stays when a figure plays

function load(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: source, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

// A frame is a list of runs (start, count) through the parts that all frames share.
function assemble({ parts, frames }, position) {
  const runs = frames[position];
  let svg = "";
  for (let i = 0; i < runs.length; i += 2) {
    svg += parts.slice(runs[i], runs[i] + runs[i + 1]).join("");
  }
  return svg;
}

function animate(figure) {
  const picture = figure.querySelector(".picture");
  const controls = figure.querySelector(".controls");
  const inputs = [...controls.querySelectorAll("input")];
  const button = controls.querySelector("button");
  const name = button.getAttribute("aria-label").replace("Play", "");
  let frames, loading, timer;

  const ready = () => (loading ??= load(controls.dataset.frames).then(
    () => { frames = window.explorables[figure.id]; },
    () => { loading = undefined; controls.dataset.failed = "The other pictures could not be loaded."; },
  ));

  async function draw() {
    for (const input of inputs) {
      const readout = JSON.parse(input.dataset.readouts)[input.value];
      input.setAttribute("aria-valuetext", readout);
      input.nextElementSibling.value = readout;
    }
    await ready();
    if (frames) {
      picture.innerHTML = assemble(frames, inputs.reduce((at, i) => at * (+i.max + 1) + +i.value, 0));
    }
  }

  function play(on) {
    clearInterval(timer);
    timer = on && setInterval(() => {
      inputs[0].value = (+inputs[0].value + 1) % (+inputs[0].max + 1);
      draw();
    }, TICK);
    button.classList.toggle("playing", on);
    button.setAttribute("aria-label", (on ? "Pause" : "Play") + name);
  }

  for (const input of inputs) {
    input.addEventListener("input", () => { play(false); draw(); });
  }
  button.addEventListener("click", () => play(!button.classList.contains("playing")));
  new IntersectionObserver((entries, observer) => {
    if (entries.some((entry) => entry.isIntersecting)) {
      observer.disconnect();
      ready();
    }
  }, { rootMargin: "400px" }).observe(figure);
}

// Open each fold around a place; a further section is folded inside itself.
function reveal(place) {
  let closed = false;
  for (let node = place; node; node = node.parentElement) {
    const fold = node.matches("details") ? node : node.querySelector(":scope > details.further");
    if (fold && !fold.open) {
      closed = fold.open = true;
    }
  }
  if (closed) {
    place.scrollIntoView();
  }
}

function revealLinked(hash) {
  reveal(document.getElementById(decodeURIComponent(hash.slice(1))));
}

function reachByKeyboard(box) {
  if (box.scrollWidth > box.clientWidth) {
    box.tabIndex = 0;
  } else {
    box.removeAttribute("tabindex");
  }
}

// Search results quote a page's text: without formulas read twice, and from the article alone.
function quote(page, anchor) {
  const found = new DOMParser().parseFromString(page, "text/html");
  found.querySelectorAll(".headerlink, .katex-mathml, .controls, summary:not(.further > *), pre").forEach((part) => part.remove());
  const place = (anchor && found.getElementById(anchor.slice(1))) || found.querySelector("article");
  return place.textContent.replace(/\s+/g, " ");
}

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search !== "undefined") {
    Search.htmlToText = quote;
  }
});
document.querySelectorAll("figure.explorable:has(.controls)").forEach(animate);
addEventListener("hashchange", () => revealLinked(location.hash));
document.addEventListener("click", ({ target }) => {
  const link = target.closest('a[href^="#"]');
  if (link) {
    revealLinked(link.hash); // also if the address has it already
  }
});
revealLinked(location.hash);
const wide = new ResizeObserver((entries) => entries.forEach((entry) => reachByKeyboard(entry.target)));
document.querySelectorAll(".equation, pre, .cell_output > .output, .pst-scrollable-table-container").forEach(
  (box) => wide.observe(box),
);
