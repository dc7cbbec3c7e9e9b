// Typesets formulas for typeset.py: a line of JSON in, a line of JSON out, until the input ends.
import { createInterface } from "node:readline";
import katex from "katex";

const macros = JSON.parse(process.argv[2]);
const settings = {
  output: "htmlAndMathml",
  throwOnError: true,
  strict: (code) => (code === "htmlExtension" ? "ignore" : "error"), // role macros are \htmlClass
  trust: ({ command }) => {
    if (command === "\\htmlClass") return true;
    throw new katex.ParseError(`${command} is not allowed in this book`); // false would only print it in red
  },
};

function typeset({ tex, display }) {
  try {
    return { html: katex.renderToString(tex, { ...settings, displayMode: display, macros: { ...macros } }) };
  } catch (error) {
    if (!(error instanceof katex.ParseError)) throw error; // a fault of ours, not of the formula
    return { error: error.rawMessage, position: error.position ?? null };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(typeset(JSON.parse(line))) + "\n");
}
