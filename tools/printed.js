// The pages of the built book as paper has them. tools/printed.py runs this in a page of it.

const make = (tag, classes, ...content) => {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...content);
  return element;
};

// What only a screen can use, and the code that draws the figures.
const SCREEN = [
  "a.headerlink, button, script, iframe, .controls, .live-page, .launch, .copybtn, .done-count",
  "details.hide, .tag_exercise-check, .sd-summary-state-marker, label.tick",
].join(", ");

// Quizzes: the answers under each question, the reasons elsewhere.
function quizzes(article, name, solutions) {
  let letter = 0;
  for (const details of article.querySelectorAll("details.quiz")) {
    const before = details.previousElementSibling;
    if (!before?.matches(".option")) {
      letter = 0;
      solutions.append(before.cloneNode(true));
    }
    const sign = `(${"abcdefgh"[letter++]}) `;
    const body = details.querySelector(".sd-summary-content");
    body.firstElementChild?.prepend(sign);
    const option = make("p", "option", sign, ...details.querySelector(".sd-summary-text").childNodes);
    solutions.append(...body.childNodes);
    details.replaceWith(option);
  }
}

// Exercises: a link to hint and solution, which stand elsewhere.
function exercises(article, name, solutions) {
  let exercise = null;
  const marks = "div.exercise, details.folded";
  for (const element of article.querySelectorAll(marks)) {
    if (element.matches("div.exercise")) {
      exercise = element;
      continue;
    }
    if (element.matches(".hint")) {
      const title = exercise.querySelector(".admonition-title").textContent.trim();
      const back = make("a", "", title);
      back.setAttribute("href", `#${exercise.id}`);
      const heading = make("p", "solved", back);
      heading.id = `solution-of-${exercise.id}`;
      solutions.append(heading);
      const way = make("a", "", "Hint and solution");
      way.setAttribute("href", `#${heading.id}`);
      element.before(make("p", "way", way));
    }
    const summary = element.querySelector("summary");
    solutions.append(make("p", "folded-title", make("strong", "", summary.textContent)));
    summary.remove();
    solutions.append(...element.childNodes);
    element.remove();
  }
}

// What is folded, apart from these, stands open.
function unfold(article) {
  for (const details of article.querySelectorAll("details")) {
    const summary = details.querySelector(":scope > summary");
    const heading = summary?.querySelector("h1, h2, h3, h4, h5, h6") ?? make("p", "title", ...(summary?.childNodes ?? []));
    summary?.remove();
    details.replaceWith(make("div", details.className, heading, ...details.childNodes));
  }
}

// Each id gets its page's name in front, so that all can stand in one document; a letter comes first.
const place = (page, id) => (id ? `p${page}--${id}` : `p${page}`);
const IDS = ["id", "for", "aria-labelledby", "aria-describedby", "headers"];
function rename(root, name) {
  for (const element of root.querySelectorAll("*")) {
    for (const attribute of [...element.attributes]) {
      const { name: key, value } = attribute;
      if (IDS.includes(key)) element.setAttribute(key, value.replace(/\S+/g, (id) => place(name, id)));
      else if (value.includes("url(#")) element.setAttribute(key, value.replaceAll("url(#", `url(#${place(name, "")}--`));
      else if (element.localName === "use" && key.endsWith("href")) element.setAttribute(key, `#${place(name, value.slice(1))}`);
    }
  }
}

// A link leads to a place in the book, to another host, to what is published beside the book, or is none on paper.
function relink(root, name, names, target, published) {
  for (const link of root.querySelectorAll("a[href]")) {
    const href = link.getAttribute("href");
    if (/^https?:\/\/(?!localhost)/.test(href)) continue;
    const [, file, id] = href.match(/^([^#?]*)(?:\?[^#]*)?(?:#(.*))?$/);
    const page = file ? file.replace(/^(\.\/)+/, "").replace(/\.html$/, "") : name;
    if (names.includes(page)) link.setAttribute("href", target(page, id));
    else if (published && !/^https?:/.test(href)) link.setAttribute("href", new URL(href, published).href);
    else link.replaceWith(...link.childNodes);
  }
}

// Return the article of each page, and the hints and solutions of each, by its name.
async function prepare(names, target) {
  const pages = {};
  for (const name of names) {
    const answer = await fetch(`${name}.html`);
    if (!answer.ok) throw Error(`${name}: ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const article = document.adoptNode(page.querySelector("article.bd-article"));
    const published = page.querySelector("link[rel=canonical]")?.href;
    const solutions = make("div", "solutions");
    article.querySelectorAll(SCREEN).forEach((element) => element.remove());
    quizzes(article, name, solutions);
    exercises(article, name, solutions);
    unfold(article);
    const h1 = article.querySelector("h1");
    const [, part, chapter] = name.match(/^(\d+)-(\d+)-/) ?? [];
    if (part && !/^\d/.test(h1.textContent.trim())) h1.prepend(`${part}-${chapter} `);
    const title = h1.textContent.trim();
    for (const root of [article, solutions]) {
      relink(root, name, names, target, published);
      rename(root, name);
    }
    article.id = place(name);
    pages[name] = { title, article, solutions };
  }
  return pages;
}
