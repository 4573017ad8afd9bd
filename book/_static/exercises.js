// What a reader has done: exercises with their checks, quizzes, and their counts, kept in this browser alone.
"use strict";

{
  const STORE = "second-order/done";

  function read() {
    try {
      return JSON.parse(localStorage.getItem(STORE)) ?? {};
    } catch {
      return {};
    }
  }

  // Change what is noted of a page. Another page of the book may be open: read anew before each change.
  function note(page, change) {
    const all = read();
    change(all[page] ??= { exercises: {}, quiz: {} });
    try {
      localStorage.setItem(STORE, JSON.stringify(all));
    } catch {
      // It counts until the page is left.
    }
    return all[page];
  }

  const made = (tag, properties, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const ofAll = (count, total, things) => `${count} of ${total} ${things}${total === 1 ? "" : "s"}`;

  // ── a chapter ──

  function chapter(bar, exercises) {
    const page = bar.dataset.page;
    const questions = quiz();
    const line = made("p", { className: "done-count" });
    line.setAttribute("role", "status");
    exercises[0].before(line);

    function show(done) {
      const count = exercises.filter(({ id }) => done.exercises[id]).length;
      const answered = questions.map((_, i) => done.quiz[i]).filter((right) => right !== undefined);
      line.textContent = `Done: ${ofAll(count, exercises.length, "exercise")}; ${ofAll(answered.length, questions.length, "question")}`
        + ` of the quiz, ${answered.filter(Boolean).length} at the first try. It is kept in this browser alone.`;
      exercises.forEach((exercise) => exercise.classList.toggle("done", Boolean(done.exercises[exercise.id])));
    }

    // A question counts as answered when its right answer is opened, and by whether that was the first one opened.
    questions.forEach((answers, i) => {
      let tries = 0;
      answers.forEach((answer) => answer.addEventListener("toggle", () => {
        if (answer.open && !answer.dataset.seen) {
          answer.dataset.seen = tries += 1;
          if (answer.classList.contains("quiz-right")) {
            show(note(page, ({ quiz }) => { quiz[i] ??= tries === 1; }));
          }
        }
      }));
    });

    exercises.forEach((exercise) => {
      const cells = [];
      for (let next = exercise.nextElementSibling; next?.matches(".cell"); next = next.nextElementSibling) {
        cells.push(next);
      }
      const check = cells.find((cell) => cell.matches(".tag_exercise-check"));
      const set = (value) => show(note(page, (done) => { done.exercises[exercise.id] = value; }));
      if (check) {
        const button = made("button", { type: "button", className: "check", textContent: "Check", onclick: () => judge(bar, check, set) });
        button.setAttribute("aria-label", `Check the answer: ${exercise.querySelector(".admonition-title").textContent.trim()}`);
        check.prepend(button);
      } else {
        const box = made("input", { type: "checkbox", checked: Boolean(read()[page]?.exercises[exercise.id]), onchange: () => set(box.checked) });
        exercise.append(made("label", { className: "tick" }, box, " I have done this one"));
      }
    });

    show(read()[page] ?? { exercises: {}, quiz: {} });
  }

  function quiz() {
    const questions = [];
    for (const answer of document.querySelectorAll("details.quiz")) {
      const before = answer.previousElementSibling;
      before?.matches("details.quiz") ? questions.at(-1).push(answer) : questions.push([answer]);
    }
    return questions;
  }

  // Make the page live, if it isn't; run the answer and what it needs; note that it was right.
  async function judge(bar, check, set) {
    check.querySelector(".check-note")?.remove();
    if (!window.livePage) {
      await bar.goLive();
    }
    if (!window.livePage) {
      check.append(made("p", { className: "check-note", textContent: bar.querySelector("p").textContent }));
    } else if (await window.livePage.check(check)) {
      set(true);
    }
  }

  // ── the index ──

  function index(counts) {
    const all = read();
    const pages = Object.entries(counts);
    const doneOn = (page) => Object.values(all[page]?.exercises ?? {}).filter(Boolean).length;
    const answeredOn = (page) => Object.keys(all[page]?.quiz ?? {}).length;
    const sum = (of) => pages.reduce((total, entry) => total + of(...entry), 0);
    if (!sum((page) => doneOn(page) + answeredOn(page))) {
      return;
    }
    const text = `You have done ${ofAll(sum(doneOn), sum((_, [exercises]) => exercises), "exercise")} and answered `
      + `${ofAll(sum(answeredOn), sum((_, [, questions]) => questions), "question")}. It is kept in this browser alone. `;
    const forget = made("button", { type: "button", textContent: "Forget it", onclick: () => {
      localStorage.removeItem(STORE);
      document.querySelectorAll(".done-count").forEach((node) => node.remove());
    } });
    const link = (page) => document.querySelector(`.bd-article li a[href$="${page.split("/").pop()}.html"]`);
    for (const [page, [exercises]] of pages) {
      if (doneOn(page)) {
        link(page)?.after(made("span", { className: "done-count", textContent: ` (${doneOn(page)} of ${exercises} done)` }));
      }
    }
    link(pages[0][0])?.closest("section").querySelector("h2")?.after(made("p", { className: "done-count" }, text, forget));
  }

  const bar = document.querySelector(".live-page");
  const exercises = [...document.querySelectorAll(".bd-article div.exercise")];
  const counts = document.querySelector("script.counts");
  if (bar && exercises.length) {
    chapter(bar, exercises);
  }
  if (counts) {
    index(JSON.parse(counts.textContent));
  }
}
