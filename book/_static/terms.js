// Shows what a term means where it stands, when it is pointed at, focused or touched. Its link leads to the glossary.
"use strict";

{
  const DELAY = 200; // milliseconds that a pointer rests, or may be away on its way to the definition
  const box = document.createElement("div");
  Object.assign(box, { id: "meaning", className: "meaning", popover: "auto" });
  let loading, timer, shown;

  function place(link) {
    const at = link.getClientRects()[0];
    const below = at.bottom + 6;
    const top = below + box.offsetHeight > innerHeight ? at.top - 6 - box.offsetHeight : below;
    box.style.top = `${Math.max(8, top)}px`;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
  }

  async function show(link) {
    clearTimeout(timer);
    shown = link;
    await (loading ??= load(`${document.documentElement.dataset.content_root}_static/definitions.js`)).catch(() => {});
    const definition = window.definitions?.[link.hash.slice(1)];
    if (definition && shown === link) {
      const more = Object.assign(document.createElement("a"), { href: link.href, textContent: "Glossary" });
      box.innerHTML = `<p>${definition}</p>`;
      box.append(more);
      document.body.append(box);
      box.showPopover();
      place(link);
      link.setAttribute("aria-describedby", box.id);
    }
  }

  function hide() {
    clearTimeout(timer);
    shown = undefined;
    if (box.isConnected) {
      box.hidePopover();
    }
  }

  const soon = (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, DELAY);
  };

  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && soon(hide));
  addEventListener("scroll", () => shown && place(shown), { passive: true }); // a focus may bring its term into view
  document.querySelectorAll("a:has(> .std-term)").forEach((link) => {
    link.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && soon(() => show(link)));
    link.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && soon(hide));
    link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
    link.addEventListener("blur", ({ relatedTarget }) => box.contains(relatedTarget) || hide());
    link.addEventListener("click", (event) => {
      if (event.pointerType === "touch") {
        event.preventDefault();
        show(link);
      }
    });
  });
}
