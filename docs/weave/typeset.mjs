// Typesets formulas for typeset.py: a line of JSON in, a line of JSON out, until the input ends.
import { createInterface } from "node:readline";
import katex from "katex";

// A role is a colour while KaTeX lays the formula out, since a colour, unlike \htmlClass, moves nothing; then each
// of these colours becomes a class. A term is an element of its own, and may move its scripts.
const { plain, role: roles, term: terms } = JSON.parse(process.argv[2]);
const colour = (css) => css.replace("-", ""); // any word is a colour's name to KaTeX
const colours = new Map(Object.values(roles).map((css) => [colour(css), css]));
const coloured = Object.entries(roles).map(([name, css]) => [name, `\\textcolor{${colour(css)}}{#1}`]);
const wrapped = Object.entries(terms).map(([name, css]) => [name, `\\htmlClass{${css}}{#1}`]);
const macros = { ...plain, ...Object.fromEntries([...coloured, ...wrapped]) };

const settings = {
  output: "htmlAndMathml",
  throwOnError: true,
  strict: (code) => (code === "htmlExtension" ? "ignore" : "error"), // a term is \htmlClass
  trust: ({ command }) => {
    if (command === "\\htmlClass") return true;
    throw new katex.ParseError(`${command} is not allowed in this book`); // false would only print it in red
  },
};

function classify(node) {
  const css = colours.get(node.style?.color);
  if (css) node.classes.push(css);
  if (css) delete node.style.color;
  if (colours.has(node.attributes?.mathcolor)) delete node.attributes.mathcolor;
  tuck(node);
  node.children?.forEach(classify);
}

// KaTeX draws a subscript back under a slanted letter (W_k), but not when the letter is coloured by itself.
function tuck({ children: [base, scripts] = [] }) {
  const letter = base?.children?.length === 1 && !base.classes?.length ? base.children[0] : null;
  if (!letter?.italic || !scripts?.classes?.includes("msupsub")) return;
  const marginLeft = `${+(-letter.italic).toFixed(4)}em`;
  for (const row of rows(scripts)) if (hangs(row)) row.style = { top: row.style.top, marginLeft, ...row.style };
}

// The scripts' boxes are each shifted from a strut; a subscript hangs below it.
const rows = (scripts) => scripts.children[0].children[0].children[0].children.filter((row) => row.style?.top);
const hangs = (row) => parseFloat(row.style.top) > -parseFloat(row.children[0].style.height);

// A short line of letters, signs and scripts needs no HTML beside its MathML: browsers draw it alike, with a quarter
// of the elements. What KaTeX draws better (fractions, roots, accents, fences, lines that break) stays KaTeX's.
const LEAVES = { mi: 1, mn: 1, mo: 1, mtext: 0 };
const SCRIPTS = ["msub", "msup", "msubsup"];
const LONGEST = 14; // letters and signs that stay on one line
const FACES = { normal: "up", bold: "bold", "double-struck": "double", "sans-serif": "sans" };

/** The nodes themselves, where KaTeX puts some into a fragment. */
const parts = (nodes) => nodes.flatMap((node) => (node.children && !node.attributes ? parts(node.children) : [node]));

/** How many letters and signs a formula has, or infinity if a part of it is KaTeX's to draw. */
function letters({ type, attributes, children }) {
  if (!attributes) return 0; // a space
  const { mathvariant: face, mathcolor, ...rest } = attributes;
  if ((face && !FACES[face]) || (type === "mstyle" && !mathcolor) || "minsize" in rest) return Infinity;
  if (type === "mo" && "\u2211\u220f\u222b".includes(children[0].text)) return Infinity; // large signs
  if (type in LEAVES) return LEAVES[type];
  const known = ["math", "mrow", "mstyle", ...SCRIPTS].includes(type);
  return known ? parts(children).reduce((sum, child) => sum + letters(child), 0) : Infinity;
}

/** MathML as a browser wants it: roles and faces as classes, no needless rows, the spaces of TeX. */
function lean(node, script) {
  if (!node.attributes) return node;
  const { mathvariant: face, mathcolor, separator, fence, ...rest } = node.attributes;
  node.attributes = rest;
  const name = node.type === "mi" && [...node.children[0].text].length > 1;
  add(node, FACES[face] ?? (name && "up"), colours.get(mathcolor));
  if (node.type === "mstyle") node.type = "mrow";
  if (node.type === "mo") space(node, script);
  if (node.type in LEAVES) return node;
  const scripts = SCRIPTS.includes(node.type);
  node.children = parts(node.children).map((child, place) => lean(child, script || (scripts && place > 0)));
  node.children.forEach((child, place, row) => {
    unary(child, row[place - 1]);
    if (applied(row[place + 1])) named(child, row[place - 1], row[place + 2]);
    if (applied(child.children?.[0]?.children?.[1])) named(child, row[place - 1], row[place + 1]); // with a script
  });
  if (!scripts) node.children.filter(leans).forEach((child) => add(child, "leans"));
  if (node.type !== "mrow" || node.children.length !== 1) return node;
  add(node.children[0], node.attributes.class);
  return node.children[0];
}

/** Whether a letter reaches over its width to the right, and no subscript is tucked under it. */
const leans = ({ type, attributes, children }) =>
  type === "mi" && !attributes.class?.match(/up|bold|double|sans/) && "FMNPTUVWY".includes(children[0].text);

/** Give a node classes. */
function add(node, ...names) {
  const all = [node.attributes?.class, ...names].filter(Boolean);
  if (all.length) node.setAttribute("class", all.join(" "));
}

/** TeX sets no space in scripts, none beside fences, and a thin one after dots. */
function space({ attributes, children: [{ text }] }, script) {
  const dots = "\u2026\u22ef".includes(text);
  if (script || dots || attributes.stretchy === "false") attributes.lspace = attributes.rspace = "0em";
  if (!script && text === "\u2026") attributes.rspace = "0.1667em";
}

/** A sign behind an operator, a comma or an opening fence belongs to what follows. */
function unary(node, before) {
  const sign = node.type === "mo" && "+\u2212\u00b1".includes(node.children[0].text);
  if (sign && !operand(before)) node.attributes.lspace = node.attributes.rspace = "0em";
}

/** The invisible sign between a function's name and its argument. */
const applied = (node) => node?.children?.[0]?.text === "\u2061";

/** A function's name keeps a thin distance from what it follows, and from an argument without parentheses. */
function named(node, before, after) {
  if (operand(before)) add(node, "after");
  if (after && after.attributes?.stretchy !== "false") add(node, "before");
}

/** Whether a node is something, or ends something, that an operator can act on. */
const operand = (node) =>
  node && (node.type !== "mo" || ")]}\u27e9\u2223\u2225\u2309\u230b!\u2026".includes(node.children[0].text));

/** The tree to print: KaTeX's, or the MathML alone. */
function lightest(tree, display) {
  const math = (display ? tree.children[0] : tree).children[0].children[0];
  math.children = [math.children[0].children[0]]; // no annotation: the TeX is an attribute
  if (display || letters(math) > LONGEST) return tree;
  const row = lean(math.children[0]);
  math.children = row.type === "mrow" && !row.attributes.class ? row.children : [row];
  math.attributes = {};
  return math;
}

function typeset({ tex, display }) {
  try {
    const tree = katex.__renderToDomTree(tex, { ...settings, displayMode: display, macros: { ...macros } });
    const printed = lightest(tree, display);
    if (printed === tree) (classify(tree), tree.classes.push("math"));
    else add(printed, "math");
    printed.setAttribute("data-search-exclude", "");
    printed.setAttribute("data-tex", "");
    const html = printed.toMarkup();
    // The search index leaves out an element up to the first end tag of its name, so an outermost span would not do.
    return { html: html.startsWith("<span") && !display ? html.replace(/^<span(.*)span>$/s, "<var$1var>") : html };
  } catch (error) {
    if (!(error instanceof katex.ParseError)) throw error; // a fault of ours, not of the formula
    return { error: error.rawMessage, position: error.position ?? null };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(typeset(JSON.parse(line))) + "\n");
}
