// Makes a page live: editors for its cells, outputs below them, and a worker that runs Python.
//
// What comes from a cell is data: text is shown as text, HTML in a frame without scripts, SVG after it was sifted. A
// page runs what the reader typed or the book shipped, never anything from its address.
"use strict";

(() => {
  const LONG = 5; // seconds from which a cell says beforehand how long it takes
  const TICK = 350; // milliseconds that a picture stays when a figure plays
  const SVG_TAGS = new Set("svg g defs path use clippath rect circle ellipse line polyline polygon text tspan image".split(" "));

  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const button = (text, onclick, properties) => element("button", { type: "button", textContent: text, onclick, ...properties });
  const seconds = (count) => (count < 90 ? `${Math.round(count)} s` : `${Math.round(count / 60)} min`);
  const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);

  function load(source, tag = "script") {
    return new Promise((resolve, reject) => {
      const attributes = tag === "link" ? { rel: "stylesheet", href: source } : { src: source };
      document.head.append(element(tag, { ...attributes, onload: resolve, onerror: reject }));
    });
  }

  // ── Python ──

  class Python {
    constructor(page) {
      this.page = page;
      this.waiting = new Map();
      this.edited = false; // whether any code that has run is not the book's
      const url = URL.createObjectURL(new Blob([live.worker], { type: "text/javascript" }));
      this.worker = new Worker(url);
      this.worker.onmessage = ({ data }) => this.hear(data);
      this.worker.onerror = (event) => page.stop(`Python broke down (${event.message}).`);
      this.ready = this.ask("start", { list: live.python, packages: live.first, source: live.runner });
      this.ready.catch(() => {});
    }

    ask(task, details) {
      const id = this.asked = (this.asked ?? 0) + 1;
      this.worker.postMessage({ task, id, ...details });
      return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    }

    async hear(data) {
      if (data.output) {
        this.page.output(data.output);
      } else if (data.dead) {
        this.page.stop(data.dead);
      } else if (data.loaded) {
        this.page.progress(data.loaded);
      } else if (data.need) {
        const bytes = await ownFile(this.page.root, data.need).catch(() => undefined);
        this.worker.postMessage({ file: data.need, bytes }, bytes ? [bytes] : []);
      } else if (this.waiting.has(data.done)) {
        const { resolve, reject } = this.waiting.get(data.done);
        this.waiting.delete(data.done);
        data.error ? reject(new Error(data.error)) : resolve(data.value);
      }
    }

    end(reason) {
      this.worker.terminate();
      for (const { reject } of this.waiting.values()) {
        reject(new Error(reason));
      }
      this.waiting.clear();
    }
  }

  // A file that lies beside the pages, in a script: a page opened from a disk may not fetch.
  async function ownFile(root, name) {
    await load(`${root}files/${name}.js?v=${live.version}`);
    const text = atob(live.files[name]);
    delete live.files[name];
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) {
      bytes[i] = text.charCodeAt(i);
    }
    return bytes.buffer;
  }

  // ── what a cell shows ──

  let katex;
  async function latex(source, root, displayMode = true) {
    const text = source.trim().replace(/^(\$\$|\$|\\\[)|(\$\$|\$|\\\])$/g, "").replace(/^\\displaystyle\s*/, "");
    const box = element(displayMode ? "div" : "span", { className: "math" });
    await (katex ??= load(`${root}katex.js`));
    window.katex.render(text, box, { displayMode, throwOnError: false, trust: false });
    return box;
  }

  // A caption, in which $x$ and `f` mean what they do in Markdown.
  function caption(text, root) {
    const node = element("figcaption");
    text.split(/(\$[^$]+\$|`[^`]+`)/).forEach((part) => {
      if (part.startsWith("$")) {
        const math = element("span", { textContent: part });
        node.append(math);
        latex(part, root, false).then((typeset) => math.replaceWith(typeset), () => {});
      } else {
        node.append(part.startsWith("`") ? element("code", { textContent: part.slice(1, -1) }) : part);
      }
    });
    return node;
  }

  // Keep of an SVG what draws: no scripts, no handlers, nothing from elsewhere.
  function sift(text) {
    const svg = new DOMParser().parseFromString(text, "text/html").querySelector("svg");
    for (const part of svg ? [svg, ...svg.querySelectorAll("*")] : []) {
      if (!SVG_TAGS.has(part.localName.toLowerCase())) {
        part.remove();
        continue;
      }
      for (const { name, value } of [...part.attributes]) {
        const link = /href$/i.test(name) && !/^(#|data:image\/(png|jpeg);)/i.test(value);
        if (/^on/i.test(name) || link || /url\(\s*['"]?[^#'"\s]|@import|expression/i.test(value)) {
          part.removeAttribute(name);
        }
      }
    }
    return svg ?? "";
  }

  const show = {
    text: ({ text }) => element("pre", { textContent: text }),
    warning: ({ text }) => element("pre", { className: "live-warning", textContent: text }),
    verdict: ({ text, state }) => element("pre", { className: `live-verdict ${state}`, textContent: text }),
    png: ({ data, alt }) => element("img", { src: `data:image/png;base64,${data}`, alt }),
    svg: ({ text }) => element("img", { src: `data:image/svg+xml,${encodeURIComponent(text)}`, alt: "A drawing, made by the cell above" }),
    html: ({ text }) => {
      const frame = element("iframe", { title: "A table, made by the cell above", sandbox: "", srcdoc: FRAME + harmless(text) });
      const rows = text.match(/<tr\b/gi)?.length; // without scripts, a frame cannot say how tall it is
      frame.style.height = rows ? `${Math.min(30 * rows + 24, 400)}px` : "";
      return frame;
    },
  };
  // HTML without what would act or load. The frame's own policy forbids both; but a browser may look ahead for files to
  // fetch before it has read the policy.
  function harmless(text) {
    const inert = new DOMParser().parseFromString(text, "text/html");
    inert.querySelectorAll("script, iframe, frame, object, embed, link, meta, base, template").forEach((node) => node.remove());
    inert.querySelectorAll("style").forEach((style) => /@import|url\(/i.test(style.textContent) && style.remove());
    for (const node of inert.querySelectorAll("*")) {
      for (const { name, value } of [...node.attributes]) {
        const loads = /^(src|srcset|poster|data|background|action|formaction|ping|imagesrcset|(xlink:)?href)$/i.test(name);
        if (/^on/i.test(name) || name === "srcdoc" || (loads && !/^(data:image\/|#)/i.test(value.trim()))) {
          node.removeAttribute(name);
        }
      }
    }
    return [...inert.head.querySelectorAll("style")].map((style) => style.outerHTML).join("") + inert.body.innerHTML;
  }
  const FRAME = `<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
    <style>:root { color-scheme: light dark; font: 14px sans-serif } th, td { padding: 2px 8px; text-align: right }</style>`;

  // ── a cell ──

  class Cell {
    constructor(page, box, number) {
      Object.assign(this, { page, box, number, name: `<cell ${number}>`, state: "new" });
      const input = box.querySelector(".cell_input");
      this.printed = input.querySelector(".highlight pre");
      this.book = this.printed.textContent.replace(/\n$/, "");
      this.output = box.querySelector(":scope > .cell_output");
      if (!this.output) {
        this.output = element("div", { className: "cell_output docutils container" });
        box.append(this.output);
      }
      this.bookOutput = [...this.output.childNodes];
      this.seconds = page.seconds[number] ?? 0;
      this.status = element("span", { className: "live-status" });
      if (box.matches(".tag_exercise-check")) {
        this.editor = { text: this.book, mark() {}, focus() {} };
        this.output.before(this.status);
        this.say("", "new");
        return;
      }
      input.classList.add("live-input");
      const host = element("div", { className: "live-editor" });
      const wait = this.seconds >= LONG ? ` (about ${seconds(this.seconds)})` : "";
      const label = (what) => ({ ariaLabel: `${what}, cell ${number}${wait}` });
      this.reset = button("Reset", () => this.restore(), { ...label("Reset"), title: "Back to the book's text", hidden: true });
      input.append(
        host,
        element("div", { className: "live-tools" },
          button(`Run${wait}`, () => page.run([this]), label("Run")),
          button("Run all above", () => page.run(page.above(this)), label("Run all above")),
          this.reset,
          this.status,
        ),
      );
      this.editor = makeEditor({
        parent: host,
        text: page.kept[this.key] ?? this.book,
        label: `Code of cell ${number}`,
        run: () => page.run([this]),
        change: () => this.changed(),
      });
      this.changed();
    }

    // The book's text is the key: an edit of a cell that the book has changed since is not laid over the new one.
    get key() { return `${this.book}`; }
    get edited() { return this.editor.text !== this.book; }

    changed() {
      this.reset.hidden = !this.edited;
      this.box.classList.toggle("live-edited", this.edited);
      this.page.keep(this);
    }

    restore() {
      this.editor.text = this.book;
      this.output.replaceChildren(...this.bookOutput);
      this.output.querySelectorAll("figure.explorable").forEach((figure) => figure.bookFrames?.());
      this.say("");
      this.editor.focus();
    }

    say(text, state = this.state) {
      this.status.textContent = text;
      this.state = state;
      this.box.dataset.live = state;
    }

    start() {
      this.shown = [];
      this.ran = this.editor.text;
      this.started = performance.now();
      this.editor.mark(0);
      this.say(this.seconds >= LONG ? `Running, about ${seconds(this.seconds)} …` : "Running …", "running");
    }

    add(output) {
      this.verdict = output.kind === "verdict" ? output.state : this.verdict;
      const last = this.shown.at(-1);
      if (last?.kind === output.kind && (output.kind === "text" || output.kind === "warning")) {
        last.node.firstChild.append(output.text);
        return;
      }
      const node = this.draw(output);
      this.shown.push({ kind: output.kind, node });
      if (this.shown.length === 1) {
        this.output.replaceChildren();
      }
      this.output.append(node);
    }

    draw(output) {
      const root = this.page.root;
      if (output.kind === "figure") {
        return figure(this.page, output, [...this.bookOutput, ...document.querySelectorAll("figure.explorable")]);
      }
      const box = element("div", { className: "output" });
      if (output.kind === "latex") {
        latex(output.text, root).then((math) => box.append(math), () => box.append(show.text(output)));
      } else if (output.kind === "error") {
        this.editor.mark(output.line ?? 0);
        box.append(element("pre", { className: "live-error", textContent: output.text }));
        const above = this.page.above(this).slice(0, -1).filter((cell) => cell.state !== "done");
        if (output.name === "NameError" && above.length) {
          box.append(button("Run all above, then this", () => this.page.run(this.page.above(this)), { className: "live-help" }));
        }
      } else {
        box.append(show[output.kind](output));
      }
      box.querySelectorAll("pre").forEach((pre) => { pre.tabIndex = 0; });
      return box;
    }

    finish(ok) {
      const took = (performance.now() - this.started) / 1000;
      if (!this.shown.length) {
        this.output.replaceChildren();
      }
      if (!ok) {
        this.box.closest("details.further")?.setAttribute("open", "");
      }
      this.say(ok ? `Ran in ${took < 10 ? took.toFixed(1) : Math.round(took)} s` : "Stopped at an error", ok ? "done" : "failed");
    }
  }

  // ── moving figures ──

  // Show a figure where its cell shows it: by the book's own frames, or drawn by Python at any value.
  function figure(page, data, known) {
    let node = known.find((candidate) => candidate.id === data.id);
    if (!node) {
      node = element("figure", { id: data.id, className: "explorable output text_html" },
        element("div", { className: "picture" }), caption(data.caption, page.root));
      node.querySelector(".picture").setAttribute("role", "img");
    }
    const picture = node.querySelector(".picture");
    const controls = node.querySelector(".controls");
    if (!data.svg) {
      node.bookFrames?.();
      return node;
    }
    if (!node.bookFrames && controls && !controls.classList.contains("live-controls")) {
      node.bookFrames = () => {
        node.querySelector(".picture").replaceWith(picture);
        node.querySelector(".controls")?.replaceWith(controls);
        node.querySelector("figcaption p, figcaption").hidden = false;
        delete node.bookFrames;
      };
    }
    const drawn = element("div", { className: "picture", ariaLabel: data.alt });
    drawn.setAttribute("role", "img");
    drawn.replaceChildren(sift(data.svg));
    picture.replaceWith(drawn);
    const moved = data.sliders.length ? sliders(page, data, drawn) : "";
    controls?.remove();
    drawn.after(moved);
    return node;
  }

  function sliders(page, data, picture) {
    const python = page.python;
    const box = element("div", { className: "controls live-controls" });
    const cache = new Map();
    let busy = false;
    let wanted;
    let timer;
    const inputs = data.sliders.map(({ label, min, max, step, value }, i) => {
      const input = element("input", { type: "range", min, max, step, value, autocomplete: "off" });
      input.value = value;
      input.setAttribute("aria-valuetext", data.readouts[i]);
      input.oninput = () => { play(false); move(); };
      box.append(element("label", {}, element("span", { textContent: label }), input, element("output", { value: data.readouts[i] })));
      return input;
    });
    const name = `: ${data.sliders[0].label}`;
    const player = button("", () => play(!player.classList.contains("playing")), { ariaLabel: `Play${name}` });
    box.prepend(player);

    // The latest position wins: while one is drawn, those in between are passed over.
    async function move() {
      wanted = inputs.map((input) => +input.value);
      if (busy) {
        return;
      }
      busy = true;
      while (wanted) {
        const values = wanted;
        wanted = undefined;
        const key = values.join();
        try {
          if (page.python !== python) {
            throw new Error("Its variables are gone: run its cell again.");
          }
          const drawn = cache.get(key) ?? await python.ask("draw", { figure: data.id, values });
          cache.set(key, drawn);
          picture.replaceChildren(sift(drawn.svg));
          inputs.forEach((input, i) => {
            input.setAttribute("aria-valuetext", drawn.readouts[i]);
            input.nextElementSibling.value = drawn.readouts[i];
          });
          delete box.dataset.failed;
        } catch (error) {
          box.dataset.failed = error.message.trim().split("\n").at(-1);
          play(false);
        }
      }
      busy = false;
    }

    function play(on) {
      clearInterval(timer);
      timer = on && setInterval(() => {
        const [input] = inputs;
        const next = +input.value + Math.max(+input.step, (input.max - input.min) / 24);
        input.value = next > +input.max ? input.min : next;
        if (!busy) {
          move();
        }
      }, TICK);
      player.classList.toggle("playing", Boolean(on));
      player.setAttribute("aria-label", (on ? "Pause" : "Play") + name);
    }
    return box;
  }

  // ── the page ──

  class Page {
    constructor(bar) {
      this.bar = bar;
      this.root = bar.dataset.live;
      this.seconds = JSON.parse(bar.dataset.seconds);
      this.store = `second-order/${bar.dataset.page}`;
      this.kept = this.stored();
      this.waiting = [];
      this.state = "loading";
      this.status = element("p", { className: "live-progress" });
      this.status.setAttribute("role", "status");
      const total = Object.values(this.seconds).reduce((sum, s) => sum + s, 0);
      this.all = button("Run all", () => this.run(this.cells), { title: total >= LONG ? `About ${seconds(total)}` : "" });
      this.stopper = button("Stop", () => this.stop(), { disabled: true });
      this.back = button("Back to the book's text", () => this.restore());
      bar.replaceChildren(element("div", { className: "live-tools" }, this.all, this.stopper, this.back), this.status);
      const cells = [...document.querySelectorAll(".bd-article .cell")].filter((box) => box.querySelector(".cell_input pre"));
      this.cells = [];
      cells.forEach((box, i) => this.cells.push(new Cell(this, box, i + 1)));
      this.help = element("p", { className: "live-note" },
        `Every cell can be edited now; Shift+Enter runs it. Tab indents; Escape, then Tab leaves an editor. `
        + `${total >= LONG ? `All cells take about ${seconds(total)}. ` : ""}Your edits stay in this browser.`);
      bar.append(this.help);
      this.keep();
    }

    stored() {
      try {
        return JSON.parse(localStorage.getItem(this.store)) ?? {};
      } catch {
        return {};
      }
    }

    keep(cell) {
      if (cell) {
        cell.edited ? (this.kept[cell.key] = cell.editor.text) : delete this.kept[cell.key];
        try {
          Object.keys(this.kept).length
            ? localStorage.setItem(this.store, JSON.stringify(this.kept))
            : localStorage.removeItem(this.store);
        } catch {
          this.say("This browser keeps nothing for the page: your edits are lost when you leave.");
        }
      }
      this.back.hidden = !this.cells.some((other) => other.edited);
    }

    say(text) { this.status.textContent = text; }

    above(cell) { return this.cells.slice(0, this.cells.indexOf(cell) + 1); }

    restore() { this.cells.filter((cell) => cell.edited || cell.state !== "new").forEach((cell) => cell.restore()); }

    // Check an answer: run it, and before it those cells above that it needs and that have not run as they stand.
    // Whether it is right.
    async check(box) {
      const check = this.cells.find((cell) => cell.box === box);
      const above = this.above(check).filter(({ box }) => !box.matches(".tag_exercise-solution, .tag_exercise-check") || box === check.box);
      try {
        const python = await this.boot();
        const needed = await python.ask("needed", { codes: above.map(({ editor }) => editor.text) });
        const stale = needed.map((i) => above[i]).filter((cell) => cell.state !== "done" || cell.ran !== cell.editor.text);
        const answer = above.at(-2);
        check.verdict = undefined;
        await this.run([...stale.filter((cell) => cell !== answer), answer, check]);
      } catch (error) {
        this.apologize(error);
      }
      if (check.verdict === undefined) {
        check.say("It was not checked: a cell above stopped at an error, or was stopped.", "failed");
      }
      return check.verdict === "right";
    }

    progress(bytes) {
      this.bytes = (this.bytes ?? 0) + bytes;
      if (!this.isReady) {
        this.say(`Loading Python: ${megabytes(this.bytes)} of ${megabytes(live.bytes)} MB …`);
      }
    }

    async boot() {
      if (!this.python) {
        this.bytes = 0;
        this.isReady = false;
        const python = this.python = new Python(this);
        try {
          const before = performance.now();
          this.say("Loading Python …");
          await python.ready;
          this.isReady = true;
          this.say(`Python is ready, after ${Math.round((performance.now() - before) / 1000)} s.`);
        } catch (error) {
          if (this.python === python) {
            python.end("");
            this.python = undefined;
          }
          throw error;
        }
      }
      await this.python.ready;
      return this.python;
    }

    async start() {
      try {
        await this.boot();
      } catch (error) {
        this.apologize(error);
      }
    }

    apologize(error) {
      this.say(`Python could not start. ${error.message} You can read on as before, and try again with Run.`);
    }

    // Run cells one after the other, behind those that wait already; an error ends it.
    async run(cells) {
      this.waiting.push(...cells);
      cells.filter((cell) => cell !== this.current).forEach((cell) => cell.say("Waiting …", cell.state));
      await (this.running ??= this.work());
    }

    async work() {
      this.stopper.disabled = false;
      try {
        const python = await this.boot();
        while (this.waiting.length && python === this.python) {
          await this.runOne(python, this.waiting.shift());
        }
      } catch (error) {
        this.apologize(error);
      }
      this.clear();
    }

    clear() {
      this.waiting.forEach((cell) => cell.say(""));
      this.waiting = [];
      this.current = undefined;
      this.running = undefined;
      this.stopper.disabled = true;
    }

    async runOne(python, cell) {
      this.current = cell;
      const left = this.waiting.length;
      this.say(`Running cell ${cell.number} of ${this.cells.length}${left ? `; ${left} more wait` : ""} …`);
      cell.start();
      python.edited ||= cell.edited;
      const frames = python.edited ? [] : [...document.querySelectorAll("figure.explorable")].map(({ id }) => id);
      try {
        const ok = await python.ask("run", { name: cell.name, code: cell.editor.text, frames });
        cell.finish(ok);
        this.say(ok ? `Cell ${cell.number} has run.` : `Cell ${cell.number} stopped at an error.`);
        if (!ok) {
          this.waiting.forEach((other) => other.say(""));
          this.waiting = [];
        }
      } catch (error) {
        if (python !== this.python) {
          return; // stopped
        }
        cell.add({ kind: "error", text: error.message });
        cell.finish(false);
        this.say(`Cell ${cell.number} could not run. ${error.message}`);
        this.waiting.forEach((other) => other.say(""));
        this.waiting = [];
      }
    }

    output(output) { this.current?.add(output); }

    stop(reason = "Stopped.") {
      const { python, current } = this;
      this.python = undefined;
      python?.end("stopped");
      current?.say("Stopped", "failed");
      this.cells.filter((cell) => cell.state === "done").forEach((cell) => cell.say("", "lost"));
      this.clear();
      this.say(`${reason} Your edits are here; the variables are lost. “Run all above” at a cell brings them back.`);
    }
  }

  window.startLive = (bar) => {
    if (typeof WebAssembly !== "object" || typeof Worker !== "function") {
      bar.querySelector("p").textContent =
        "This browser cannot run Python: it has no WebAssembly, or it is switched off. You can read on as before.";
      bar.querySelector("button").disabled = true;
      return;
    }
    const page = new Page(bar);
    window.livePage = page;
    page.start();
  };
})();
