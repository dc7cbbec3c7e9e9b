// Copying, and the light between a formula's terms and a listing's lines. The page reads the same without it.
"use strict";

(() => {
  const said = Object.assign(document.createElement("div"), { className: "said" });
  said.setAttribute("role", "status");
  document.body.append(said);
  let silence; // the timer that ends an announcement

  /** Put text on the clipboard, also where a page opened from a file has no clipboard interface. */
  async function write(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error("this browser refused to copy");
  }

  /** The TeX of a typeset formula. */
  const tex = (element) => element.querySelector("[data-tex]").dataset.tex.trim();

  /** A block's code without prompts and outputs: a session becomes the program that was typed. */
  function program(block) {
    const text = [...block.querySelectorAll("pre:not(.output) > code")].map((code) => code.textContent).join("");
    if (!/^\s*>>>/.test(text)) return text;
    return text.split("\n").filter((line) => /^(>>>|\.\.\.)/.test(line)).map((line) => line.slice(4)).join("\n") + "\n";
  }

  /** Run a script beside the pages, which, unlike data, can be had from a file too. */
  const run = (src) => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src });
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });

  /** The bundle of what the page itself does not hold, loaded when first needed. */
  const name = location.pathname.replace(/^.*\/|\.html$/g, "");
  let bundle;
  const loaded = () => (bundle ??= run(`./${name}.copies.js`).then(() => window.bookCopies, () => {
    bundle = undefined;
    throw new Error("what this page offers could not be loaded");
  }));

  /** Whether the reader wants the book's own macros: "expanded" (the default) or "kept". */
  const wish = () => { try { return localStorage.getItem("macros") === "kept" ? "kept" : "expanded"; } catch { return "expanded"; } };
  const latex = async () => (await loaded())[wish()];
  let own = {}; // how the book's macros write the formulas of this page: there before something is selected, if wished
  const written = (element) => (wish() === "kept" && own[element.dataset.tex.trim()]) || element.dataset.tex.trim();
  const prepare = () => wish() === "kept" && loaded().then((all) => { own = all.own; }, () => { /* expanded, then */ });
  const place = (element, all) => [...document.querySelectorAll(all)].indexOf(element);

  /** A displayed formula: from the page, or with the book's macros from the bundle. */
  async function formula(button) {
    const box = button.closest(".equation");
    return wish() === "kept" ? (await latex()).formulas[place(box, ".equation")] : tex(box);
  }

  /** A numbered formula as an environment with its label, and the number it has here. */
  async function labelled(button) {
    const box = button.closest(".equation");
    const number = box.querySelector(".number").textContent.replace(/[()]/g, "");
    return `\\begin{equation}\\label{${box.id}}\\tag{${number}}\n${await formula(button)}\n\\end{equation}\n`;
  }

  /** The page's entry for BibTeX; within a section, with its address. */
  async function citation(button) {
    const { bib, places } = await loaded(), heading = button.closest("h2, h3");
    return heading ? bib.replace(/}\s*$/, () => `  howpublished = ${places[heading.id]},\n}\n`) : bib;
  }

  const texts = {
    formula,
    labelled,
    latex: async (button) => (await latex()).statements[button.closest(".statement").id],
    section: async (button) => (await latex()).sections[button.closest("h2, h3").id],
    page: async () => (await latex()).page,
    markdown: async () => (await loaded()).md,
    program: async () => (await loaded()).py,
    citation,
    works: async () => (await loaded()).works,
    code: (button) => program(button.closest(".code")),
  };

  /** A button that copies; `words` if it shows words and not the sign. */
  function copier(kind, purpose, words) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: words ? "copy words" : "copy", title: purpose });
    button.dataset.copy = kind;
    if (words) button.textContent = words; else button.setAttribute("aria-label", purpose);
    return button;
  }

  for (const number of document.querySelectorAll(".equation > .number"))
    number.parentElement.append(copier("labelled", "Copy the formula as an equation with its label and number", "\\label"));

  const keep = document.querySelector(".take input");
  if (keep) {
    keep.checked = wish() === "kept";
    prepare();
    keep.addEventListener("change", () => {
      try { localStorage.setItem("macros", keep.checked ? "kept" : "expanded"); } catch { /* not remembered */ }
      prepare();
    });
    for (const heading of document.querySelectorAll("article h2[id^='sec:'], article h3[id^='sec:']")) {
      const tools = Object.assign(document.createElement("span"), { className: "take" });
      tools.append(copier("section", "Copy this section as LaTeX", "LaTeX"), copier("citation", "Copy a BibTeX entry for this section", "BibTeX"));
      heading.append(tools);
    }
  }

  for (const block of document.querySelectorAll(".code:not(.source)")) {
    block.append(copier("code", "Copy the code"));
  }

  // The theme wraps tables; one that is too wide must be reached by keyboard, to be scrolled.
  addEventListener("load", () => {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });

  /** A chart's drawing as a file of its own: what the style sheet says of it is written into it. */
  function standalone(svg) {
    const copy = svg.cloneNode(true), originals = svg.querySelectorAll("*"), box = svg.viewBox.baseVal;
    for (const [place, element] of copy.querySelectorAll("*").entries()) {
      const style = getComputedStyle(originals[place]);
      for (const name of ["fill", "stroke", "color", "font-family", "font-size"]) element.style.setProperty(name, style.getPropertyValue(name));
    }
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    copy.style.color = getComputedStyle(svg).color;
    return new XMLSerializer().serializeToString(copy);
  }

  for (const [place, chart] of document.querySelectorAll(".chart:has(.take)").entries()) {
    const svg = chart.querySelector("svg");
    chart.querySelector("a[download]").download = `${name}-${place + 1}.csv`;
    const link = Object.assign(document.createElement("a"), { textContent: "SVG", href: "#", download: `${name}-${place + 1}.svg` });
    link.addEventListener("click", () => { link.href = URL.createObjectURL(new Blob([standalone(svg)], { type: "image/svg+xml" })); });
    chart.querySelector(".take").append(link);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    try {
      await write(await texts[button.dataset.copy](button));
      said.textContent = "Copied";
      button.classList.add("done");
    } catch (error) {
      said.textContent = `Not copied: ${error.message}`;
    }
    setTimeout(() => button.classList.remove("done"), 1600);
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ""; }, 1600);
  });

  // Selecting over a formula and copying gives its TeX, not the glyphs that draw it.
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (selection.isCollapsed) return;
    const range = selection.getRangeAt(0).cloneRange(), holder = document.createElement("div");
    const [first, last] = [range.startContainer, range.endContainer].map((node) => (node.closest ? node : node.parentElement)?.closest("[data-tex]"));
    if (first) range.setStartBefore(first); // a part of a formula has no TeX: all of it is meant
    if (last) range.setEndAfter(last);
    holder.append(range.cloneContents());
    holder.querySelectorAll("button, script, style").forEach((element) => element.remove());
    const formulas = holder.querySelectorAll("[data-tex]");
    if (!formulas.length) return;
    for (const formula of formulas) {
      const dollars = formula.matches(".katex-display") ? "$$" : "$";
      formula.replaceWith(dollars + written(formula) + dollars);
    }
    event.clipboardData.setData("text/plain", holder.textContent);
    event.preventDefault();
  });

  // What a reference leads to, shown beside it while it is pointed at or focused. Escape puts it away.
  const card = Object.assign(document.createElement("div"), { className: "card md-typeset", hidden: true });
  card.setAttribute("role", "tooltip");
  card.id = "preview";
  document.body.append(card);
  const root = new URL(document.querySelector("link[rel=stylesheet][href*='assets/book']").href.replace(/assets\/book.*/, ""));
  const asked = {};
  const previews = (page) => asked[page] ??=
    run(new URL(`${page}.previews.js`, root).href).then(() => window.bookPreviews[decodeURIComponent(page)], () => ({}));
  let waiting, shownFor;
  const hide = () => { clearTimeout(waiting); shownFor?.removeAttribute("aria-describedby"); shownFor = null; card.hidden = true; };
  async function show(link) {
    const target = new URL(link.href), page = target.href.slice(root.href.length).replace(/(\.html)?(#.*)?$/, "");
    const html = (await previews(page))[decodeURIComponent(target.hash.slice(1))];
    if (!html) return;
    hide();
    card.innerHTML = html;
    card.hidden = false;
    shownFor = link;
    link.setAttribute("aria-describedby", "preview");
    const box = link.getBoundingClientRect(), width = card.offsetWidth;
    card.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8)) + scrollX}px`;
    const below = box.bottom + card.offsetHeight + 12 < innerHeight;
    card.style.top = `${(below ? box.bottom + 6 : Math.max(4, box.top - card.offsetHeight - 6)) + scrollY}px`;
  }
  for (const link of document.querySelectorAll("article a.ref, article a.cite, article .claim a, article .notes a, article .coded a, article .purpose a, article .sheet a, article .index a")) {
    if (!link.hash) continue;
    const later = () => { clearTimeout(waiting); waiting = setTimeout(() => show(link), 250); };
    link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && later());
    link.addEventListener("focus", () => link.matches(":focus-visible") && later());
    link.addEventListener("pointerleave", hide);
    link.addEventListener("blur", hide);
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  // The notation card: the tables of the notation page, open beside whatever is read. Without a script, a link to it.
  const opener = document.querySelector("a.notation"), notation = document.createElement("dialog");
  notation.className = "notation-card md-typeset";
  notation.setAttribute("aria-label", "Notation");
  opener.after(notation);
  opener.setAttribute("role", "button");
  opener.setAttribute("aria-expanded", false);
  const fold = () => { notation.close(); opener.setAttribute("aria-expanded", false); opener.focus(); };
  opener.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (notation.open) return fold();
    notation.innerHTML = `<button type="button" aria-label="Close">\u00d7</button>${(await previews("notation")).card ?? ""}<p><a href="${opener.href}">All of the notation</a></p>`;
    notation.querySelector("button").addEventListener("click", fold);
    notation.show();
    opener.setAttribute("aria-expanded", true);
  });
  opener.addEventListener("keydown", (event) => { if (event.key === " ") { event.preventDefault(); opener.click(); } });
  document.addEventListener("keydown", (event) => event.key === "Escape" && notation.open && fold());

  /** Light every element of a term when one of them is pointed at or focused. */
  for (const element of document.querySelectorAll("[class*='term-']")) {
    const term = [...element.classList].find((name) => name.startsWith("term-"));
    const light = (on) => document.querySelectorAll(`.${term}`).forEach((other) => other.classList.toggle("lit", on));
    element.tabIndex = 0;
    for (const name of ["pointerenter", "focus"]) element.addEventListener(name, () => light(true));
    for (const name of ["pointerleave", "blur"]) element.addEventListener(name, () => light(false));
  }
})();
