// Starts a deck, from a file of its own: the book's content security policy allows no script inside a page.
"use strict";

Reveal.initialize({
  hash: true,
  slideNumber: true,
  width: 1100,
  height: 700,
  transition: "none",
  scrollActivationWidth: null,
  plugins: [RevealNotes],
});
