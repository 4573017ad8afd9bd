// The pages of the book as XHTML, for tools/epub.py.

// KaTeX writes each formula twice: the MathML is the one for readers of books.
function onlyMathML(root) {
  for (const katex of root.querySelectorAll(".katex")) {
    const math = katex.querySelector("math");
    for (const token of math.querySelectorAll("mi, mo, mn, mtext"))
      token.textContent = token.textContent; // a letter, an operator or a number holds text alone
    for (const table of math.querySelectorAll("[columnspacing='']")) table.removeAttribute("columnspacing");
    const alone = katex.closest(".katex-display") ?? katex;
    alone.replaceWith(math);
  }
}

// Each still becomes a picture of its own. Returns their texts by their names.
function takeStills(root, name) {
  const stills = {};
  root.querySelectorAll(".picture").forEach((picture, k) => {
    const file = `${name}-${k + 1}.svg`;
    const svg = picture.querySelector("svg");
    const { width, height } = svg.viewBox.baseVal;
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    for (const attribute of ["aria-hidden", "focusable"]) svg.removeAttribute(attribute);
    for (const link of svg.querySelectorAll("a")) link.replaceWith(...link.childNodes);
    stills[file] = new XMLSerializer().serializeToString(svg);
    const image = make("img", "");
    image.setAttribute("src", `pictures/${file}`);
    image.setAttribute("alt", picture.getAttribute("aria-label"));
    picture.replaceWith(image);
  });
  return stills;
}

// Attributes and elements that are for the page's scripts and styles, or that XHTML has not.
function clean(root) {
  for (const element of root.querySelectorAll("*")) {
    for (const { name } of [...element.attributes]) {
      if (/^(data-|aria-(?!label))|^(tabindex|target|role|align|border|focusable)$/.test(name)) element.removeAttribute(name);
    }
  }
  root.querySelectorAll("a[title='']").forEach((link) => link.removeAttribute("title"));
  root.querySelectorAll("p > p, p:empty").forEach((p) => p.replaceWith(...p.childNodes));
}

async function compose({ parts }) {
  const names = parts.flatMap((part) => part.pages);
  // A page's ids all begin with its name, as in the PDF.
  const target = (page, id) => (id ? `${page}.xhtml#${place(page, id)}` : `${page}.xhtml`);
  const pages = await prepare(names, target);
  const serializer = new XMLSerializer();
  const solutions = make("section", "", make("h1", "", "Hints, solutions, reasons"));
  let stills = {};
  for (const [name, page] of Object.entries(pages)) {
    if (page.solutions.hasChildNodes()) solutions.append(make("h2", "", page.title), page.solutions);
    stills = { ...stills, ...takeStills(page.article, name) };
  }
  const moved = new Map();
  solutions.querySelectorAll("[id]").forEach((element) => moved.set(element.id, "solutions.xhtml"));
  const texts = {};
  for (const [name, article] of [...Object.entries(pages).map(([name, page]) => [name, page.article]), ["solutions", solutions]]) {
    for (const link of article.querySelectorAll("a[href*='.xhtml']")) {
      const [, id] = link.getAttribute("href").split("#");
      if (moved.has(id)) link.setAttribute("href", `${moved.get(id)}#${id}`);
    }
    onlyMathML(article);
    clean(article);
    texts[name] = [...article.childNodes].map((node) => serializer.serializeToString(node)).join("");
  }
  const sections = (article) =>
    [...article.querySelectorAll("h2")].map((h2) => [h2.closest("[id]").id, h2.textContent.trim()]);
  const contents = Object.fromEntries(names.map((name) => [name, { title: pages[name].title, sections: sections(pages[name].article) }]));
  return { texts, stills, contents };
}
