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
  return node;
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

function typeset({ tex, display }) {
  try {
    const tree = katex.__renderToDomTree(tex, { ...settings, displayMode: display, macros: { ...macros } });
    return { html: classify(tree).toMarkup() };
  } catch (error) {
    if (!(error instanceof katex.ParseError)) throw error; // a fault of ours, not of the formula
    return { error: error.rawMessage, position: error.position ?? null };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(typeset(JSON.parse(line))) + "\n");
}
