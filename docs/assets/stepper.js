// What the interactive figures share: the row of buttons that steps through one, its keys and its link, and the light.
"use strict";

window.bookFigures = (() => {
  const element = (tag, props = {}, ...children) => { const made = Object.assign(document.createElement(tag), props); made.append(...children); return made; };

  function button(words, label, run) {
    const made = element("button", { type: "button", title: label }, words);
    made.setAttribute("aria-label", label);
    made.addEventListener("click", run);
    return made;
  }

  /** Light the lines of code with these names, and no others. */
  function light(names = "") {
    const wanted = names.split(" ");
    for (const line of document.querySelectorAll(".listing [class*='term-']"))
      line.classList.toggle("runs", wanted.some((name) => line.classList.contains(`term-${name}`)));
  }

  /**
   * Steps 0 to some last one. `show` is called with each and returns what is to be said of it; `link` is its address;
   * `box` takes the keys. With a `pace` in milliseconds the steps can be played.
   */
  function stepper({ box, show, link, pace }) {
    let step = 0, last = 0, touched = false, timer;
    const scrub = element("input", { type: "range", min: 0, className: "scrub" });
    scrub.setAttribute("aria-label", "Step");
    const play = button("▶", "Play", toggle);
    const words = element("p", { className: "now" });
    words.setAttribute("aria-live", "polite");
    const row = element("div", { className: "controls" },
      button("|◂", "To the beginning", () => go(0)), button("◂", "One step back", () => go(step - 1)), ...(pace ? [play] : []),
      button("▸", "One step on", () => go(step + 1)), button("▸|", "To the end", () => go(last)), scrub);

    function set(at) {
      step = Math.max(0, Math.min(last, at));
      scrub.value = step;
      words.replaceChildren(...[show(step)].flat());
      scrub.setAttribute("aria-valuetext", `${step} of ${last}`);
      if (touched) history.replaceState(null, "", link(step));
    }
    function touch() { touched = true; }
    function go(at) { touch(); set(at); if (step === last) stop(); }
    function renew(count, at) { stop(); last = scrub.max = count; set(at); }

    function stop() { clearInterval(timer); timer = undefined; play.textContent = "▶"; play.setAttribute("aria-label", "Play"); words.setAttribute("aria-live", "polite"); }
    function start() {
      if (step === last) go(0);
      words.setAttribute("aria-live", "off"); // a picture a second would drown the reader
      play.textContent = "❚❚";
      play.setAttribute("aria-label", "Pause");
      timer = setInterval(() => go(step + 1), matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : pace);
    }
    function toggle() { timer ? stop() : start(); }

    scrub.addEventListener("input", () => go(+scrub.value));
    box.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1, Home: -1e6, End: 1e6 }[event.key];
      if (move) go(step + move); else if (pace && event.key === " ") toggle(); else return;
      event.preventDefault();
    });
    return { row, words, go, touch, renew };
  }

  return { element, light, stepper };
})();
