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
  const tex = (element) => element.querySelector("annotation").textContent.trim();

  /** A block's code without prompts and outputs: a session becomes the program that was typed. */
  function program(block) {
    const text = [...block.querySelectorAll("pre:not(.output) > code")].map((code) => code.textContent).join("");
    if (!/^\s*>>>/.test(text)) return text;
    return text.split("\n").filter((line) => /^(>>>|\.\.\.)/.test(line)).map((line) => line.slice(4)).join("\n") + "\n";
  }

  const texts = {
    formula: (button) => tex(button.closest(".equation")),
    latex: (button) => button.dataset.text,
    code: (button) => program(button.closest(".code")),
  };

  for (const block of document.querySelectorAll(".code:not(.source)")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", title: "Copy the code" });
    button.dataset.copy = "code";
    button.setAttribute("aria-label", "Copy the code");
    block.append(button);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    try {
      await write(texts[button.dataset.copy](button));
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
    const holder = document.createElement("div");
    holder.append(selection.getRangeAt(0).cloneContents());
    const formulas = holder.querySelectorAll(".math");
    if (!formulas.length) return;
    for (const formula of formulas) {
      if (!formula.querySelector("annotation")) continue;
      const dollars = formula.querySelector(".katex-display") ? "$$" : "$";
      formula.replaceWith(dollars + tex(formula) + dollars);
    }
    event.clipboardData.setData("text/plain", holder.textContent);
    event.preventDefault();
  });

  /** Light every element of a term when one of them is pointed at or focused. */
  for (const element of document.querySelectorAll("[class*='term-']")) {
    const term = [...element.classList].find((name) => name.startsWith("term-"));
    const light = (on) => document.querySelectorAll(`.${term}`).forEach((other) => other.classList.toggle("lit", on));
    element.tabIndex = 0;
    for (const name of ["pointerenter", "focus"]) element.addEventListener(name, () => light(true));
    for (const name of ["pointerleave", "blur"]) element.addEventListener(name, () => light(false));
  }
})();
