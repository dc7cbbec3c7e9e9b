// The schedule explorer. It expands, counts and draws actions that the package planned; it plans nothing itself.
"use strict";

(() => {
  const figure = document.querySelector(".explorer");
  if (!figure) return;
  const CELL = 11, LEFT = 26, NS = "http://www.w3.org/2000/svg";
  const root = new URL(document.querySelector("link[rel=stylesheet][href*='assets/book']").href.replace(/book[^/]*$/, ""));
  const state = { planner: figure.dataset.planner, n: +figure.dataset.depth, slots: +figure.dataset.slots };
  const { element, light, stepper } = window.bookFigures;
  let steps = [], data;

  const drawn = (tag, attributes) => { const made = document.createElementNS(NS, tag); for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value); return made; };

  // ---------------------------------------------------------------- controls

  const planner = figure.querySelector("select"), names = Object.fromEntries([...planner.options].map(({ value, text }) => [value, text]));
  const [depth, slots] = figure.querySelectorAll("input"), [layers, count] = figure.querySelectorAll("output");
  const meters = element("dl", { className: "meters" });
  const meter = (name) => { const value = element("dd"); meters.append(element("div", {}, element("dt", {}, name), value)); return value; };
  const live = meter("states live"), counted = meter("evaluations"), again = meter("recomputed"), best = meter("fewest at this peak");

  // ---------------------------------------------------------------- the schedule, step by step

  /** Actions to steps: an advance layer by layer, each with what is live while it is taken. */
  function expand(text, n) {
    const digit = (at) => data.digits.indexOf(text[at]), found = [], made = new Set();
    let held = new Set([0]), layer = n, at = 0;
    while (at < text.length) {
      if (text[at] === "-") {
        found.push({ kind: "reverse", k: layer, live: new Set(held) });
        held.delete(--layer);
        at += 1;
        continue;
      }
      const start = digit(at), stop = digit(at + 1);
      for (let k = start + 1; k <= stop; k++) {
        if (k < n) held.add(k);
        found.push({ kind: "advance", k, again: made.has(k), live: new Set(held) });
        made.add(k);
        if (k - 1 > start) held.delete(k - 1);
      }
      at += 2;
    }
    return found;
  }

  const text = () => (state.planner === "binomial" ? data.binomial[state.n][state.slots - 1] : data[state.planner][state.n]);
  const atReversals = (list) => Math.max(...list.filter((step) => step.kind === "reverse").map((step) => step.live.size));

  // ---------------------------------------------------------------- drawing

  const box = figure.querySelector(".scroll");
  const time = stepper({ box, show, pace: 260, link: (step) => `#explorer=${state.planner},${state.n},${state.slots},${step}` });
  let cursor, marks, lights;

  function draw() {
    const n = state.n, width = LEFT + CELL * steps.length + 6, height = CELL * (n + 1) + 4, y = (k) => CELL * (n - k);
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", style: `max-width:${Math.max(13, width * 0.065)}rem;min-width:${Math.min(width * 0.75, 700)}px` });
    svg.setAttribute("aria-label", `${names[state.planner]}, ${n} layers: ${steps.length} steps. Layers upward, steps to the right.`);
    cursor = drawn("rect", { class: "cursor", x: 0, y: 0, width: CELL, height });
    svg.append(cursor);
    const every = n <= 6 ? 1 : n <= 12 ? 2 : n <= 40 ? 5 : 10;
    for (let k = 0; k <= n; k++) {
      svg.append(drawn("path", { class: "line", d: `M${LEFT} ${y(k) + 5.5}h${CELL * steps.length}`, "stroke-opacity": ".25" }));
      if (k % every === 0) { const number = drawn("text", { class: "label", style: "font-size:12px", x: LEFT - 6, y: y(k) + 9.5, "text-anchor": "end" }); number.textContent = k; svg.append(number); }
    }
    lights = [];
    for (let k = 0; k < n; k++) {
      for (let from = 0; from < steps.length; from++) {
        if (!steps[from].live.has(k) || (from && steps[from - 1].live.has(k))) continue;
        let to = from;
        while (to < steps.length && steps[to].live.has(k)) to++;
        const begin = from + (steps[from].kind === "advance" && steps[from].k === k ? 1 : 0);
        if (to - begin > 1) {
          const bar = drawn("rect", { class: "role-checkpoint", x: LEFT + CELL * begin, y: y(k) + 3.5, width: CELL * (to - begin), height: 4, rx: 2, fill: "currentColor" });
          lights.push([bar, begin, to]);
          svg.append(bar);
        }
      }
    }
    marks = steps.map((step, at) => {
      const x = LEFT + CELL * at;
      const mark = step.kind === "reverse"
        ? drawn("path", { class: "role-adjoint", d: `M${x + 1} ${y(step.k) + 1.5}h9l-4.5 8z`, fill: "currentColor" })
        : drawn("rect", { class: "role-activation", x: x + 2, y: y(step.k) + 2, width: 7, height: 7, rx: 1, stroke: "currentColor", "stroke-width": 1.4, fill: step.again ? "none" : "currentColor" });
      svg.append(mark);
      return mark;
    });
    svg.addEventListener("pointerdown", (event) => {
      const place = svg.createSVGPoint();
      [place.x, place.y] = [event.clientX, event.clientY];
      time.go(Math.floor((place.matrixTransform(svg.getScreenCTM().inverse()).x - LEFT) / CELL) + 1);
    });
    box.replaceChildren(svg);
  }

  /** Show the state of things after so many steps, and say it. */
  function show(step) {
    const current = steps[step - 1], past = steps.slice(0, step);
    marks.forEach((mark, at) => { mark.style.opacity = at < step ? 1 : 0.22; });
    lights.forEach(([bar, from, to]) => { bar.style.opacity = step > from && step <= to ? 0.9 : step > to ? 0.35 : 0.12; });
    cursor.setAttribute("x", LEFT + CELL * (step - 1));
    cursor.style.visibility = step ? "visible" : "hidden";
    const evaluated = past.filter((each) => each.kind === "advance"), peak = atReversals(steps);
    const all = steps.filter((each) => each.kind === "advance");
    live.textContent = `${current ? current.live.size : 1} of ${peak}`;
    live.title = current ? `x${[...current.live].sort((a, b) => a - b).join(", x")}` : "x0";
    counted.textContent = `${evaluated.length} of ${all.length}`;
    again.textContent = `${evaluated.filter((each) => each.again).length} of ${all.length - state.n}`;
    best.textContent = data.optimum[state.n][Math.max(peak - 1, 1) - 1];
    light(current?.kind);
    return !current ? "At the beginning only the input, x0, is live."
      : current.kind === "reverse" ? `Step ${step}: layer ${current.k} is reversed, from Δ${current.k} and x${current.k - 1}; x${current.k - 1} is used up.`
        : current.k === state.n ? `Step ${step}: layer ${current.k} is evaluated; the loss turns the logits into Δ${current.k}.`
          : `Step ${step}: x${current.k} is computed from x${current.k - 1}${current.again ? ", again" : ""}.`;
  }

  // ---------------------------------------------------------------- moving about

  function renew(step = Infinity) {
    state.n = Math.max(1, Math.min(+depth.max, state.n));
    const most = state.planner === "binomial" ? data.binomial[state.n].length : 1;
    state.slots = Math.max(1, Math.min(most, state.slots));
    planner.value = state.planner;
    depth.value = state.n;
    slots.max = most;
    slots.value = state.slots;
    slots.parentElement.hidden = state.planner !== "binomial";
    layers.textContent = state.n;
    count.textContent = state.slots;
    steps = expand(text(), state.n);
    draw();
    time.renew(steps.length, step);
  }

  function fromLink() {
    const [, chosen, n, count, step] = location.hash.match(/^#explorer=(\w+),(\d+),(\d+),(\d+)$/) ?? [];
    if (!(chosen in names)) return false;
    Object.assign(state, { planner: chosen, n: +n, slots: +count });
    renew(+step);
    figure.scrollIntoView({ block: "center" });
    return true;
  }
  addEventListener("hashchange", fromLink);

  /** The schedules are a script, fetched when the figure comes near. */
  function load() {
    const script = element("script", { src: new URL("schedules.js", root).href });
    script.addEventListener("load", () => {
      data = window.bookSchedules;
      planner.addEventListener("change", () => { state.planner = planner.value; time.touch(); renew(); });
      depth.addEventListener("input", () => { state.n = +depth.value; time.touch(); renew(); });
      slots.addEventListener("input", () => { state.slots = +slots.value; time.touch(); renew(); });
      figure.append(time.row, time.words, meters);
      fromLink() || renew();
      figure.dataset.ready = "yes";
    });
    document.head.append(script);
  }
  const near = new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) { near.disconnect(); load(); } }, { rootMargin: "400px" });
  if (location.hash.startsWith("#explorer=")) load(); else near.observe(figure);
})();
