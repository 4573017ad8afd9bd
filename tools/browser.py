"""What the browser checks and the speed measurement share: a Chromium and a server of the built book."""

import gzip
import os
import shutil
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HTML = Path(__file__).resolve().parents[1] / "_build" / "html"

# Chromium makes no request of its own, and any host but this machine does not exist.
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def find_chromium():
    """Return the path of a Chromium: $CHROMIUM, then PATH, then the one that Playwright installed."""
    if named := os.environ.get("CHROMIUM"):
        if not os.access(named, os.X_OK):
            sys.exit(f"error: CHROMIUM={named} is not a program that can be run. Correct it or unset it.")
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        if Path(playwright.chromium.executable_path).exists():
            return playwright.chromium.executable_path
    sys.exit(
        "error: no Chromium was found. Install one (Debian: apt-get install chromium; elsewhere: "
        ".venv/bin/playwright install chromium) or name it: CHROMIUM=/path/to/chromium make ..."
    )


class _Handler(SimpleHTTPRequestHandler):
    """Serve files compressed and under the book's policy, as a good host of static pages does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        kind, body = self.guess_type(path), path.read_bytes()
        policy = Path(self.directory) / "_live" / "content-security-policy.txt"
        self.send_response(200)
        if policy.exists():
            self.send_header("Content-Security-Policy", policy.read_text(encoding="ascii").strip())
        if kind.startswith("text/") or kind in (
            "application/javascript",
            "application/json",
            "image/svg+xml",
        ):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serve(directory=HTML):
    """Serve a directory on a free port of 127.0.0.1; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Handler(*args, directory=directory)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    print(find_chromium())
