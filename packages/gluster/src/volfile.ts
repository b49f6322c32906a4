/**
 * Volfiles: the graph of translators that a GlusterFS process builds.
 *
 *     volume NAME
 *         type CATEGORY/TRANSLATOR
 *         option KEY VALUE          any number, the last of a repeated key counts
 *         subvolumes NAME NAME …    at most once; each defined above
 *     end-volume
 *
 * Words are separated by white space. Keywords are case-insensitive. A word that begins with `#`
 * starts a comment up to the end of the line. A word in double quotes may hold blanks; a backslash
 * in it takes the next character as it is. The last volume is the top of the graph.
 */

import { GlusterError } from "./error.ts";

export interface Translator {
  readonly name: string;
  /** Such as "protocol/client". */
  readonly type: string;
  readonly options: ReadonlyMap<string, string>;
  readonly subvolumes: readonly string[];
}

export interface Volfile {
  /** In the order of definition: what is below comes first, the top is last. Never empty. */
  readonly translators: readonly Translator[];
}

interface Word {
  readonly text: string;
  readonly quoted: boolean;
  readonly line: number;
}

const KEYWORDS = new Set(["volume", "type", "option", "subvolumes", "end-volume"]);
const SPACE = /\s/;

/** Throws GlusterError "malformed-volfile" that names the line. */
export function parseVolfile(text: string): Volfile {
  const words = split(text);
  const translators: Translator[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at < words.length) {
    const section = new SectionParser(words, at, names);
    const translator = section.parse();
    names.add(translator.name);
    translators.push(translator);
    at = section.at;
  }
  if (translators.length === 0) fail(1, "no volume is defined");
  return { translators };
}

function split(text: string): Word[] {
  const words: Word[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character === "\n") line++;
    if (SPACE.test(character)) {
      at++;
    } else if (character === "#") {
      while (at < text.length && text[at] !== "\n") at++;
    } else if (character === '"') {
      const { value, end } = quotedWord(text, at + 1, line);
      words.push({ text: value, quoted: true, line });
      at = end;
    } else {
      let end = at;
      while (end < text.length && !SPACE.test(text[end]!) && text[end] !== '"') end++;
      words.push({ text: text.slice(at, end), quoted: false, line });
      at = end;
    }
  }
  return words;
}

function quotedWord(text: string, start: number, line: number): { value: string; end: number } {
  let value = "";
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return { value, end: at + 1 };
    if (character === "\n") break;
    if (character === "\\") at++;
    value += text[at] ?? "";
  }
  return fail(line, "a quoted word does not end on its line");
}

class SectionParser {
  at: number;
  readonly #words: readonly Word[];
  readonly #names: ReadonlySet<string>;

  constructor(words: readonly Word[], at: number, names: ReadonlySet<string>) {
    this.#words = words;
    this.at = at;
    this.#names = names;
  }

  parse(): Translator {
    const first = this.#words[this.at++]!;
    if (keyword(first) !== "volume") fail(first.line, `"volume" expected, not "${first.text}"`);
    const name = this.#argument(first, "a name");
    if (this.#names.has(name)) fail(first.line, `volume ${name} is defined twice`);
    let type: string | undefined;
    let subvolumes: readonly string[] = [];
    const options = new Map<string, string>();
    for (;;) {
      const word = this.#words[this.at++];
      if (word === undefined) fail(first.line, `volume ${name} has no "end-volume"`);
      switch (keyword(word)) {
        case "type":
          if (type !== undefined) fail(word.line, `volume ${name} has two types`);
          type = this.#argument(word, "a type");
          break;
        case "option":
          options.set(this.#argument(word, "a key"), this.#argument(word, "a value"));
          break;
        case "subvolumes":
          if (subvolumes.length > 0) fail(word.line, `volume ${name} has two lists of subvolumes`);
          subvolumes = this.#subvolumes(word, name);
          break;
        case "end-volume":
          if (type === undefined) fail(word.line, `volume ${name} has no type`);
          return { name, type, options, subvolumes };
        default:
          fail(word.line, `"${word.text}" in volume ${name} is no keyword`);
      }
    }
  }

  #argument(after: Word, what: string): string {
    const word = this.#words[this.at++];
    if (word === undefined || keyword(word) !== undefined) {
      fail(after.line, `${what} expected after "${after.text}"`);
    }
    return word.text;
  }

  #subvolumes(after: Word, owner: string): string[] {
    const names: string[] = [];
    for (let word = this.#words[this.at]; word !== undefined; word = this.#words[this.at]) {
      if (keyword(word) !== undefined) break;
      if (!this.#names.has(word.text)) {
        fail(word.line, `subvolume ${word.text} of volume ${owner} is not defined above it`);
      }
      names.push(word.text);
      this.at++;
    }
    if (names.length === 0) fail(after.line, `volume ${owner} names no subvolume`);
    return names;
  }
}

function keyword(word: Word): string | undefined {
  const lower = word.text.toLowerCase();
  return !word.quoted && KEYWORDS.has(lower) ? lower : undefined;
}

/** The text that parseVolfile reads back, laid out as GlusterFS does. */
export function printVolfile(volfile: Volfile): string {
  return volfile.translators.map(printTranslator).join("\n");
}

function printTranslator({ name, type, options, subvolumes }: Translator): string {
  const lines = [`volume ${printWord(name)}`, `    type ${printWord(type)}`];
  for (const [key, value] of options) {
    lines.push(`    option ${printWord(key)} ${printWord(value)}`);
  }
  if (subvolumes.length > 0) lines.push(`    subvolumes ${subvolumes.map(printWord).join(" ")}`);
  lines.push("end-volume", "");
  return lines.join("\n");
}

function printWord(text: string): string {
  if (text.includes("\n")) {
    throw new GlusterError("malformed-volfile", "a word of a volfile cannot hold a line feed");
  }
  const plain = /^[^\s"#\\][^\s"\\]*$/.test(text) && !KEYWORDS.has(text.toLowerCase());
  return plain ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

function fail(line: number, reason: string): never {
  throw new GlusterError("malformed-volfile", `line ${line}: ${reason}`);
}
