// Before the first paint: the colours and the language chosen earlier. A file of its own, because the
// Content-Security-Policy allows no script inside the page.
(function () {
  var scheme = "light";
  try {
    var chosen = localStorage.getItem("voxbot-scheme") || "auto";
    scheme = chosen === "auto" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : chosen;
    document.documentElement.lang = localStorage.getItem("voxbot-language") === "en" ? "en" : "ru";
  } catch (error) {
    // Storage may be forbidden; the defaults stand.
  }
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
