// Light or dark, as the book's pages were set: before the first slide is drawn, so that a dark one does not flash.
"use strict";

const theme = (dark) => { document.documentElement.dataset.theme = dark ? "dark" : "light"; };
const printing = new URLSearchParams(location.search).has("print-pdf");
const mode = localStorage.getItem("mode") ?? "auto";
theme(!printing && (mode === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : mode === "dark"));
