// Both sweeps, step by step. Every number stands on the page already; this says which of them are known.
"use strict";

(() => {
  const figure = document.querySelector(".sweep");
  if (!figure) return;
  const { light, stepper } = window.bookFigures;
  const map = figure.querySelector(".map"), arrays = [...map.querySelectorAll(".array")], steps = [...figure.querySelectorAll(".steps > li")];
  const last = steps.length - 1;

  /** Show what is known after so many steps, what the last of them took and made, and say it. */
  function show(step) {
    const { takes, lines } = steps[step].dataset;
    steps.forEach((each, at) => each.classList.toggle("shown", at === step));
    for (const { dataset, classList } of arrays) {
      classList.toggle("unknown", dataset.step > step);
      classList.toggle("taken", takes.split(" ").includes(dataset.name));
      classList.toggle("made", step > 0 && +dataset.step === step);
    }
    light(lines);
    const count = Object.assign(document.createElement("span"), { className: "count", textContent: `Step ${step} of ${last}` });
    return [count, " ", ...steps[step].querySelector(".words").cloneNode(true).childNodes];
  }

  const time = stepper({ box: map, show, link: (step) => `#sweep=${step}` });
  map.addEventListener("click", ({ target }) => {
    const array = target.closest(".array");
    if (array) time.go(+array.dataset.step);
  });

  function fromLink() {
    const [, step] = location.hash.match(/^#sweep=(\d+)$/) ?? [];
    if (step === undefined) return false;
    time.renew(last, +step);
    figure.scrollIntoView();
    return true;
  }
  addEventListener("hashchange", fromLink);

  figure.append(time.row, time.words);
  fromLink() || time.renew(last, +figure.dataset.first);
  figure.dataset.ready = "yes";
})();
