// The schedule explorer. It expands, counts and draws actions that the package planned; it plans nothing itself.
"use strict";

(() => {
  const figure = document.querySelector(".explorer");
  if (!figure) return;
  const AXIS = 24, STRIP = 48, NS = "http://www.w3.org/2000/svg"; // pixels: beside the rows, below them
  const root = new URL(document.querySelector("link[rel=stylesheet][href*='assets/book']").href.replace(/book[^/]*$/, ""));
  const state = { planner: figure.dataset.planner, n: +figure.dataset.depth, slots: +figure.dataset.slots };
  const { element, light, stepper } = window.bookFigures;
  let steps = [], at = 0, data;

  const drawn = (tag, attributes, text = "") => {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(text);
    return made;
  };
  const between = (least, value, most) => Math.max(least, Math.min(most, value));

  // ---------------------------------------------------------------- controls

  const planner = figure.querySelector("select"), names = Object.fromEntries([...planner.options].map(({ value, text }) => [value, text]));
  const [depth, slots] = figure.querySelectorAll("input"), [layers, count] = figure.querySelectorAll("output");
  const meters = element("dl", { className: "meters" });
  const meter = (name) => {
    const value = element("dd"), box = meters.appendChild(element("div", {}, element("dt", {}, name), value));
    return (words, part) => { value.textContent = words; box.style.setProperty("--part", part); };
  };
  const live = meter("states + adjoints"), counted = meter("evaluations"), again = meter("recomputed"), best = meter("optimum");

  // ---------------------------------------------------------------- the schedule, step by step

  /** Actions to steps: an advance layer by layer, each with the states and the number of adjoints that are live then. */
  function expand(text, n) {
    const digit = (at) => data.digits.indexOf(text[at]), found = [], made = new Set();
    let held = new Set([0]), layer = n, at = 0;
    while (at < text.length) {
      if (text[at] === "-") {
        found.push({ kind: "reverse", k: layer, live: new Set(held), adjoints: layer > 1 ? 2 : 1 });
        held.delete(--layer);
        at += 1;
        continue;
      }
      const start = digit(at), stop = digit(at + 1);
      for (let k = start + 1; k <= stop; k++) {
        if (k < n) held.add(k);
        found.push({ kind: "advance", k, again: made.has(k), live: new Set(held), adjoints: made.has(n) || k === n ? 1 : 0 });
        made.add(k);
        if (k - 1 > start) held.delete(k - 1);
      }
      at += 2;
    }
    return found;
  }

  const text = () => (state.planner === "binomial" ? data.binomial[state.n][state.slots - 1] : data[state.planner][state.n]);
  const arrays = (step) => step.live.size + step.adjoints;

  // ---------------------------------------------------------------- drawing

  const box = figure.querySelector(".scroll"), code = element("code", { className: "runs" });
  const time = stepper({ box, show, pace: 260, link: (step) => `#explorer=${state.planner},${state.n},${state.slots},${step}` });
  let cursor, veil, bars, wide, pitch, width;

  /** The picture, as wide as there is room; what would be too small to be read is wider, and the frame scrolls. */
  function draw() {
    const n = state.n, most = Math.max(...steps.map(arrays));
    width = box.clientWidth;
    pitch = between(3.5, (width - AXIS - 4) / steps.length, 28);
    const row = between(5, 286 / (n + 1), 28), middle = (k) => row * (n - k + 0.5), top = row * (n + 1) + 20, height = top + STRIP + 4;
    const end = pitch * steps.length, across = Math.max(end + 4, 190), size = between(3, Math.min(row * 0.68, pitch * 1.15), 11), line = between(0.9, size * 0.18, 1.5);
    const scale = drawn("svg", { class: "axis", width: AXIS, height, viewBox: `0 0 ${AXIS} ${height}`, "aria-hidden": "true" });
    const svg = drawn("svg", { width: across, height, viewBox: `0 0 ${across} ${height}`, role: "img" });
    svg.setAttribute("aria-label", `${names[state.planner]}, ${n} layers: ${steps.length} steps to the right. Layers upward; below them what is in memory, at most ${most} arrays.`);
    const number = (words, y) => scale.append(drawn("text", { class: "label", x: AXIS - 6, y: y + 4, "text-anchor": "end" }, words));
    cursor = svg.appendChild(drawn("rect", { class: "cursor", y: 0, width: Math.max(pitch, 5), height, rx: 1 }));
    const every = n <= 6 ? 1 : n <= 12 ? 2 : n <= 40 ? 5 : 10;
    for (let k = 0; k <= n; k++) {
      if (row >= 9 || k % every === 0) svg.append(drawn("path", { class: "line", d: `M0 ${middle(k)}h${end}`, "stroke-opacity": 0.22 }));
      if (k % every === 0) number(k, middle(k));
    }

    bars = [];
    const thick = between(2, row * 0.36, 5);
    for (let k = 0; k < n; k++) {
      for (let from = 0; from < steps.length; from++) {
        if (!steps[from].live.has(k) || (from && steps[from - 1].live.has(k))) continue;
        let to = from;
        while (to < steps.length && steps[to].live.has(k)) to++;
        const begin = from + (steps[from].kind === "advance" && steps[from].k === k ? 1 : 0);
        if (to - begin > 1) {
          const bar = drawn("rect", { class: "role-checkpoint", x: pitch * begin, y: middle(k) - thick / 2, width: pitch * (to - begin), height: thick, rx: thick / 2, fill: "currentColor" });
          bars.push([svg.appendChild(bar), begin, to]);
        }
      }
    }
    steps.forEach((step, index) => {
      const x = pitch * (index + 0.5), y = middle(step.k), half = size / 2;
      svg.append(step.kind === "reverse"
        ? drawn("path", { class: "role-adjoint", d: `M${x - half * 1.15} ${y - half}h${size * 1.15}L${x} ${y + half * 1.1}z`, fill: "currentColor" })
        : drawn("rect", { class: "role-activation", x: x - half + line / 2, y: y - half + line / 2, width: size - line, height: size - line, rx: 1, stroke: "currentColor", "stroke-width": line, fill: step.again ? "none" : "currentColor" }));
    });

    const floor = top + STRIP, level = (count) => floor - (STRIP * count) / most;
    const outline = (count) => `M0 ${floor}${steps.map((step, index) => `V${level(count(step))}H${pitch * (index + 1)}`).join("")}V${floor}z`;
    svg.append(
      drawn("path", { class: "role-adjoint", d: outline(arrays), fill: "currentColor", "fill-opacity": 0.55 }),
      drawn("path", { d: outline((step) => step.live.size), style: "fill: var(--paper)" }),
      drawn("path", { class: "role-checkpoint", d: outline((step) => step.live.size), fill: "currentColor", "fill-opacity": 0.6 }));
    number(0, floor);
    number(most, top);
    veil = svg.appendChild(drawn("rect", { class: "veil", y: 0, height }));
    svg.appendChild(drawn("text", { class: "label", x: 0, y: top - 6 }, "in memory: ")).append(
      drawn("tspan", { class: "role-checkpoint", style: "fill: currentColor" }, "states"), ", ",
      drawn("tspan", { class: "role-adjoint", style: "fill: currentColor" }, "adjoints"));
    svg.append(drawn("path", { d: `M0 ${top}H${end}`, fill: "none", stroke: "currentColor", "stroke-width": 1.2, "stroke-dasharray": "5 4" }));
    wide = AXIS + end + 4 > width + 1;
    svg.style.touchAction = wide ? "auto" : "pan-y";
    follow(svg);
    box.replaceChildren(scale, svg);
  }

  /** A mouse or a finger moves through the steps; where a finger has to scroll the picture, it picks one. */
  function follow(svg) {
    const pick = (event) => time.go(between(0, Math.floor((event.clientX - svg.getBoundingClientRect().left) / pitch) + 1, steps.length));
    let down;
    svg.addEventListener("click", pick);
    svg.addEventListener("pointerdown", (event) => { down = event; if (event.pointerType === "mouse") pick(event); });
    svg.addEventListener("pointermove", (event) => {
      const across = down && Math.abs(event.clientX - down.clientX) > Math.abs(event.clientY - down.clientY); // not the page's own way
      if (event.buttons && (event.pointerType === "mouse" || (across && !wide))) pick(event);
    });
  }

  /** Keep the present step in sight, with a part of what comes. */
  function keepInSight() {
    const place = AXIS + pitch * (at - 0.5), margin = (box.clientWidth - AXIS) * 0.3;
    box.scrollLeft = between(place - box.clientWidth + margin, box.scrollLeft, place - AXIS - margin);
  }

  const symbol = (letter, k) => [element("span", { className: letter === "x" ? "symbol" : "" }, letter), element("sub", {}, k)];

  /** Show the state of things after so many steps, and say it. */
  function show(step) {
    const current = steps[step - 1], past = steps.slice(0, step);
    at = step;
    cursor.setAttribute("x", pitch * (step - 0.5) - Math.max(pitch, 5) / 2);
    cursor.style.visibility = step ? "visible" : "hidden";
    veil.setAttribute("x", pitch * step);
    veil.setAttribute("width", pitch * (steps.length - step) + 4);
    for (const [bar, from, to] of bars) bar.style.opacity = step > from && step <= to ? 1 : 0.4;
    keepInSight();
    const evaluated = past.filter((each) => each.kind === "advance"), all = steps.filter((each) => each.kind === "advance");
    const most = Math.max(...steps.map(arrays)), peak = Math.max(...steps.filter((each) => each.kind === "reverse").map((each) => each.live.size));
    const [states, adjoints] = current ? [current.live.size, current.adjoints] : [1, 0], optimum = data.optimum[state.n][Math.max(peak - 1, 1) - 1];
    const repeated = all.length - state.n, repeats = evaluated.filter((each) => each.again).length;
    live(`${states} + ${adjoints} of ${most}`, (states + adjoints) / most);
    counted(`${evaluated.length} of ${all.length}`, evaluated.length / all.length);
    again(`${repeats} of ${repeated}`, repeats / (repeated || 1));
    best(`${optimum} with ${peak} state${peak === 1 ? "" : "s"}`, optimum / all.length);
    const turn = current?.kind === "advance" && current.k === state.n;
    light(turn ? "advance turn" : current?.kind);
    code.textContent = (current && document.querySelector(`.listing .term-${turn ? "turn" : current.kind}`)?.textContent.trim()) ?? "";
    const x = (k) => symbol("x", k);
    return !current ? ["At the beginning only the input, ", ...x(0), ", is live."]
      : current.kind === "reverse" ? [`Step ${step}: layer ${current.k} is reversed, from `, ...symbol("Δ", current.k), " and ", ...x(current.k - 1), "; ", ...x(current.k - 1), " is used up."]
        : turn ? [`Step ${step}: layer ${current.k} is evaluated; the loss turns the logits into `, ...symbol("Δ", current.k), "."]
          : [`Step ${step}: `, ...x(current.k), " is computed from ", ...x(current.k - 1), current.again ? ", again." : "."];
  }

  // ---------------------------------------------------------------- moving about

  function renew(step = Infinity) {
    state.n = between(1, state.n, +depth.max);
    const most = state.planner === "binomial" ? data.binomial[state.n].length : 1;
    state.slots = between(1, state.slots, most);
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
      figure.append(time.row, element("div", { className: "telling" }, time.words, code), meters);
      figure.dataset.ready = "yes";
      fromLink() || renew();
      new ResizeObserver(() => { if (box.clientWidth !== width) { draw(); show(at); } }).observe(box);
    });
    document.head.append(script);
  }
  const near = new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) { near.disconnect(); load(); } }, { rootMargin: "400px" });
  if (location.hash.startsWith("#explorer=")) load(); else near.observe(figure);
})();
