// One document of all pages, for tools/pdf.py.

async function compose({ parts, about, style }) {
  document.documentElement.dataset.theme = "light";
  document.title = about.title;
  const names = parts.flatMap((part) => part.pages);
  const target = (page, id) => `#${place(page, id)}`;
  const pages = await prepare(names, target);
  document.head.append(make("style", "", style));
  const demote = (root, by) => {
    for (const heading of [...root.querySelectorAll("h1, h2, h3, h4, h5")].reverse()) {
      const lower = make(`h${Math.min(6, +heading.localName[1] + by)}`, heading.className, ...heading.childNodes);
      if (heading.id) lower.id = heading.id;
      heading.replaceWith(lower);
    }
  };
  const link = (text, id) => {
    const a = make("a", "", text);
    a.setAttribute("href", `#${id}`);
    a.append(make("span", "at", "000"));
    return a;
  };

  const cover = make("section", "cover", make("p", "book-title", about.title));
  for (const line of about.lines) cover.append(make("p", "", line));
  const contents = make("section", "contents", make("h1", "", "Contents"));
  contents.id = "contents";
  const book = make("main", "");
  parts.forEach((part, k) => {
    const heading = make("h1", "part", part.title);
    heading.id = `part-${k}`;
    contents.append(make("p", "", link(part.title, heading.id)));
    contents.append(make("ul", "", ...part.pages.map((name) => make("li", "", link(pages[name].title, place(name))))));
    part.pages.forEach((name, n) => {
      const { article } = pages[name];
      demote(article, 1);
      if (n === 0) article.prepend(heading);
      book.append(article);
    });
  });
  const solutions = make("section", "", make("h1", "part", "Hints, solutions, reasons"));
  solutions.id = "solutions";
  contents.append(make("p", "", link("Hints, solutions, reasons", "solutions")));
  for (const name of names) {
    if (!pages[name].solutions.hasChildNodes()) continue;
    demote(pages[name].solutions, 2);
    solutions.append(make("h2", "", pages[name].title), pages[name].solutions);
  }
  document.body.replaceChildren(cover, contents, book, solutions);
  await document.fonts.ready;
  // A formula is there twice, once for those who hear it.
  const said = (heading) => {
    const copy = heading.cloneNode(true);
    copy.querySelectorAll("[aria-hidden]").forEach((element) => element.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  const pictures = [...document.querySelectorAll("figure.explorable .picture")];
  return [
    headings.map(said),
    pictures.map((picture) => picture.getAttribute("aria-label")),
  ];
}

// Write the numbers of the pages into the contents.
function number(pages) {
  for (const link of document.querySelectorAll(".contents a"))
    link.querySelector(".at").textContent = pages[decodeURIComponent(link.hash.slice(1))];
}
