// Python, in a worker: a page that computes stays usable, and stopping is to end the worker.
"use strict";

let list; // what each file must hash to and where it lies; see python.toml
let python, runner;
let queue = Promise.resolve();
const awaited = new Map(); // files on their way from the page
const network = self.fetch.bind(self);
const bytesOf = (body) => new Response(body).arrayBuffer();

const fail = (sentence, cause) => { throw Object.assign(new Error(sentence), { cause }); };

// A file from the book itself: the page loads it as a script, because a page on a disk may not fetch.
function fromPage(name) {
  return new Promise((resolve, reject) => {
    awaited.set(name, { resolve, reject });
    postMessage({ need: name });
  });
}

async function fromHost(name, { base, integrity }) {
  try {
    const response = await network(list.bases[base] + name, { integrity, credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) {
      throw new Error(`the answer was ${response.status}`);
    }
    return await bytesOf(response.body);
  } catch (cause) {
    const host = new URL(list.bases[base]).host;
    fail(`${name} could not be loaded from ${host} (${cause.message}). Is there a network, and does it let ${host} through?`);
  }
}

async function load(name) {
  const file = list.files[name] ?? fail(`${name} is not one of the book's files.`);
  const bytes = await (file.own ? fromPage(name) : fromHost(name, file));
  postMessage({ loaded: file.bytes });
  return bytes;
}

// Pyodide waits for ever for a file of its core that does not come.
let giveUp;
const givenUp = new Promise((resolve, reject) => { giveUp = reject; });
givenUp.catch(() => {});

// Whatever Pyodide or a cell fetches is one of the listed files, and has the listed sum.
self.fetch = async (resource) => {
  const name = String(resource.url ?? resource).split("/").pop();
  if (name === "pyodide-lock.json") {
    return new Response(JSON.stringify(list.lock));
  }
  const bytes = load(name);
  bytes.catch(giveUp);
  const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(await bytes, { headers: { "Content-Type": type } });
};

async function execute(name) {
  const url = URL.createObjectURL(new Blob([await load(name)], { type: "text/javascript" }));
  importScripts(url);
  URL.revokeObjectURL(url);
}

const tasks = {
  async start({ list: given, packages, source }) {
    list = given;
    const book = load("book.zip");
    book.catch(() => {});
    await execute("pyodide.js");
    await execute("pyodide.asm.js");
    const silent = { stdout: () => {}, stderr: () => {} };
    python = await Promise.race([loadPyodide({ indexURL: list.bases.core, ...silent }), givenUp]);
    await add(packages);
    python.unpackArchive(await book, "zip", { extractDir: "/home/pyodide" });
    python.FS.writeFile("/home/pyodide/runner.py", source);
    python.runPython("import sys; sys.path.insert(0, '/home/pyodide')");
    runner = python.pyimport("runner");
    runner.start((output) => postMessage({ output: JSON.parse(output) }));
  },
  async run({ name, code, frames }) {
    const imports = python.pyimport("pyodide.code").find_imports;
    let found = [];
    try {
      found = imports(code).toJs();
    } catch {
      // An error in the code is for the cell to report.
    }
    await add(found.filter((module) => list.imports[module]).map((module) => list.imports[module]));
    try {
      return runner.run(name, code, frames);
    } catch (error) {
      postMessage({ dead: `Python broke down (${error.message.trim().split("\n").at(-1)}): perhaps memory ran out.` });
    }
  },
  needed: ({ codes }) => runner.needed(python.toPy(codes)).toJs(),
  draw: ({ figure, values }) => JSON.parse(runner.draw(figure, values)),
};

async function add(packages) {
  const errors = [];
  await python.loadPackage(packages, { messageCallback: () => {}, errorCallback: (error) => errors.push(error) });
  const missing = packages.filter((name) => !(name in python.loadedPackages));
  if (missing.length) {
    fail(`${missing.join(", ")} could not be loaded. ${errors.join(" ")}`);
  }
}

self.onmessage = ({ data }) => {
  if (data.file) {
    const { resolve, reject } = awaited.get(data.file);
    data.bytes ? resolve(data.bytes) : reject(new Error(`${data.file}, a file of the book, could not be loaded.`));
    return;
  }
  queue = queue.then(async () => {
    try {
      postMessage({ done: data.id, value: await tasks[data.task](data) });
    } catch (error) {
      postMessage({ done: data.id, error: error.message });
    }
  });
};
