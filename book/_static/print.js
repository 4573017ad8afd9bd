// Paper is light, whatever the theme.
"use strict";

{
  const root = document.documentElement.dataset;
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.theme;
    root.theme = "light";
  });
  addEventListener("afterprint", () => {
    root.theme = theme;
  });
}
