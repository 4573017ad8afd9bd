// Starts a deck, from a file of its own: the book's content security policy allows no script inside a page.
"use strict";

const short = new URLSearchParams(location.search).has("short");

// The notes say how many minutes a slide takes, in a lecture of fifty minutes and in one of twenty-five.
for (const notes of document.querySelectorAll("aside.notes")) {
  const slide = notes.closest("section");
  const minutes = +(short ? notes.dataset.short : notes.dataset.minutes);
  slide.dataset.timing = 60 * minutes; // the speaker's view keeps the pace
  if (!minutes) {
    const stack = slide.parentElement;
    slide.remove();
    if (!stack.querySelector("section")) {
      stack.remove();
    }
  }
}
document.querySelector(`.deck-bar a[href="${short ? "?short" : "?"}"]`).setAttribute("aria-current", "true");

// A finger on a slider moves the figure and not the slide; afterwards the keys, and what sends them, move the slides.
for (const controls of document.querySelectorAll(".explorable .controls")) {
  controls.dataset.preventSwipe = "";
  controls.addEventListener("pointerup", () => setTimeout(() => document.activeElement.blur()));
}

document.querySelector(".deck-bar button").addEventListener("click", ({ currentTarget }) => {
  theme(document.documentElement.dataset.theme !== "dark");
  currentTarget.blur();
});
addEventListener("beforeprint", () => theme(false));

Reveal.initialize({
  hash: true,
  slideNumber: "c/t",
  width: 1100,
  height: 700,
  margin: 0.02,
  transition: "none",
  scrollActivationWidth: null,
  plugins: [RevealNotes],
});
