// What surrounds a page: colours, drawer, contents, keys, search. The theme's script of 114 KB is needed for searching
// only, so it comes when a search begins; until then this does what that would do.
"use strict";

(() => {
  const theme = document.getElementById("__theme");
  if (!theme) return; // built without the book's hooks: the theme's script has come already
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const toggles = { drawer: document.getElementById("__drawer"), search: document.getElementById("__search") };

  // ---------------------------------------------------------------- colours

  const options = all("input[name=__palette]"), colour = Object.assign(document.createElement("meta"), { name: "theme-color" });
  document.head.append(colour);
  const paint = () => { colour.content = getComputedStyle(document.body).backgroundColor; };
  requestAnimationFrame(paint);
  for (const [index, option] of options.entries()) {
    option.addEventListener("change", () => {
      const { mdColorMedia: media, mdColorScheme: scheme, mdColorPrimary: primary, mdColorAccent: accent } = option.dataset;
      document.body.dataset.mdColorScheme = scheme;
      for (const each of options) each.nextElementSibling.hidden = each !== option;
      __md_set("__palette", { index, color: { media, scheme, primary, accent } });
      paint();
    });
    option.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const next = options[(index + 1) % options.length];
      next.click();
      next.focus();
    });
  }

  // ---------------------------------------------------------------- where the reader is

  const heading = document.querySelector("article h1"), title = document.querySelector(".md-header__title");
  const contents = all("[data-md-component=toc] .md-nav__link").map((link) => [link, document.getElementById(decodeURIComponent(link.hash.slice(1)))]).filter(([, target]) => target);
  let asked;
  function follow() {
    asked = false;
    const line = title.offsetHeight + 24, ended = scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    title.classList.toggle("md-header__title--active", Boolean(heading) && heading.getBoundingClientRect().bottom < title.offsetHeight);
    const passed = ended ? contents.length : contents.filter(([, target]) => target.getBoundingClientRect().top < line).length;
    for (const [place, [link]] of contents.entries()) {
      link.classList.toggle("md-nav__link--passed", place < passed);
      link.classList.toggle("md-nav__link--active", place === passed - 1);
    }
  }
  const moved = () => { asked ||= requestAnimationFrame(follow); };
  addEventListener("scroll", moved, { passive: true });
  if (scrollY) moved();

  // Far blocks are laid out late, so the end of the page moves on while it is sought; it is followed for a second,
  // and no longer than the reader wants: never in a field or a slider, which have an end of their own.
  const typing = (target) => target.closest?.("input, select, textarea, [contenteditable]");
  let until = 0;
  addEventListener("keydown", (event) => { until = event.key === "End" && !event.defaultPrevented && !typing(event.target) ? performance.now() + 1000 : 0; });
  for (const kind of ["pointerdown", "wheel"]) addEventListener(kind, () => { until = 0; }, { passive: true });
  new ResizeObserver(() => {
    if (performance.now() < until) scrollTo(0, document.documentElement.scrollHeight);
    moved();
  }).observe(document.body);

  const here = document.querySelector(".md-sidebar .md-nav__link--active[href]"), bar = document.querySelector(".md-sidebar__scrollwrap");
  if (here && matchMedia("(min-width: 76.25em)").matches) bar.scrollTop = here.offsetTop - bar.offsetTop - bar.clientHeight / 2;

  // ---------------------------------------------------------------- paper, and what is wider than the page

  let unfolded = [];
  addEventListener("beforeprint", () => { unfolded = all("details:not([open])"); for (const fold of unfolded) fold.open = true; });
  addEventListener("afterprint", () => { for (const fold of unfolded) fold.open = false; });

  // A box that scrolls can be reached by keyboard; one that does not is no stop on the way.
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0; else target.removeAttribute("tabindex");
    }
  });
  for (const code of all("article pre > code")) sizes.observe(code);

  // ---------------------------------------------------------------- the drawer, and keys

  document.addEventListener("click", ({ target }) => { if (target.closest("a[href]")) toggles.drawer.checked = false; });
  for (const label of all(".md-nav label[id]")) {
    const fold = document.getElementById(label.htmlFor), list = document.querySelector(`[aria-labelledby="${label.id}"]`);
    fold.addEventListener("change", () => list.setAttribute("aria-expanded", fold.checked));
  }
  const query = document.querySelector(".md-search__input");
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (loading || event.ctrlKey || event.metaKey || event.altKey || typing(target)) return;
    if ("fs/".includes(key)) { event.preventDefault(); query.focus(); query.select(); }
    else if ("p,".includes(key)) document.querySelector("link[rel=prev]") && location.assign(document.querySelector("link[rel=prev]").href);
    else if ("n.".includes(key)) document.querySelector("link[rel=next]") && location.assign(document.querySelector("link[rel=next]").href);
    else if (key === "Enter" && target.matches("label")) target.click();
  });

  // ---------------------------------------------------------------- search

  let loading = false;
  /** Have the theme's script search; of the rest of the page it shall see nothing. */
  function search() {
    toggles.search.checked = true;
    if (loading) return;
    loading = true;
    for (const part of all("[data-md-component]:not(.md-header, .md-main, .md-search, .md-search *)")) part.removeAttribute("data-md-component");
    // At an address with a target the script would shut the search that it was fetched for.
    const { hash, href } = location, script = document.createElement("script");
    if (hash) {
      history.replaceState(history.state, "", href.replace(hash, ""));
      for (const ended of ["load", "error"]) script.addEventListener(ended, () => location.hash || history.replaceState(history.state, "", href));
    }
    script.src = theme.dataset.src;
    document.head.append(script);
  }
  query?.addEventListener("focus", search);
  query?.addEventListener("keydown", ({ key }) => { if (key === "Tab") toggles.search.checked = false; }); // before the script is there
  document.querySelector("header [for=__search]")?.addEventListener("click", (event) => { event.preventDefault(); query.focus(); });
  if (query && (query === document.activeElement || /[?&]q=/.test(location.search))) search();

  // The words that led here from a search.
  const words = new URLSearchParams(location.search).get("h")?.match(/[\p{L}\p{N}_]+/gu);
  if (words && window.Highlight) {
    const wanted = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})`, "giu"), found = [];
    const texts = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT, ({ parentElement }) =>
      parentElement.closest("[data-search-exclude], svg") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    for (let text; (text = texts.nextNode()); ) {
      for (const { index, 0: word } of text.data.matchAll(wanted)) {
        const range = new Range();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        found.push(range);
      }
    }
    CSS.highlights.set("search", new Highlight(...found));
  }
})();
